"""What happened at a step, and why: `why did the loss jump at 410?`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from engine.advisor.answers.figures import Around, around, highest, leap_near, leaps, number, rate
from engine.advisor.known import Known
from engine.run_state import RunState
from engine.text import quoted

_NEAR: Final = 3
_SHAKEN: Final = 3.0
"""Times the usual gradient norm: the step has moved the weights far."""
_BACK: Final = 0.1
"""Share by which the loss may stay above what it was and still count as come back."""
_SHOWN: Final = 3
_TEXT: Final = 90


def at_step(known: Known, step: int) -> list[str]:
    """What the curve, the events and the rows say of `step`."""
    state = known.state
    if state is None:
        return ["No run is at hand, so there is no step to look at."]
    if step > state.step:
        return [f"The run has not come to step {step:,}: it has made {state.step:,}."]
    here = around(state.loss, step)
    if here is None:
        return [f"The curve of the loss has nothing before step {step:,} to compare it with."]
    leap = here if here.leaps else leap_near(state.loss, step)
    if leap is None:
        return [_nothing(here), *_beside(known, here.step)]
    elsewhere = abs(leap.step - step) > max(leap.width, 1)
    lead = f"At step {step:,} itself nothing leaps; near it, step {leap.step:,} does. " if elsewhere else ""
    return [lead + _leapt(leap), *_beside(known, leap.step), *_reasons(known, leap), _then(known, leap)]


def jumps(known: Known) -> list[str]:
    """`Did the loss jump anywhere?`"""
    state = known.state
    found = leaps(state.loss) if state is not None else []
    if state is None or not found:
        return ["No: no point of the loss stands out from those before it."]
    lines = [f"{len(found)} times; the highest:" if len(found) > 1 else "Once:"]
    for one in highest(found, _SHOWN):
        back = "" if one.after is None else " and came back" if _came_back(one) else " and stayed up"
        lines.append(f"- step {one.step:,}: {number(one.value)} after about {number(one.before)}{back}")
    last = highest(found, 1)[0].step
    return [*lines, f"Ask for one of them, `why did the loss jump at {last}?`, to hear what is known of it."]


def _nothing(here: Around) -> str:
    return (
        f"Nothing unusual: the loss of step {here.step:,} is {number(here.value)}, "
        f"and it was about {number(here.before)} before."
    )


def _leapt(leap: Around) -> str:
    wide = f" (the highest of {leap.width} steps, as the curve keeps them)" if leap.width > 1 else ""
    usual = number(leap.before)
    text = f"The loss leapt to {number(leap.value)} at step {leap.step:,}{wide}, after about {usual}."
    if leap.after is None:
        return f"{text} It is the newest point, so whether it comes back is not known yet."
    if _came_back(leap):
        return f"{text} It came back: about {number(leap.after)} right after it."
    return f"{text} It has not come back: about {number(leap.after)} right after it."


def _came_back(leap: Around) -> bool:
    return leap.after is not None and leap.after <= leap.before + _BACK * abs(leap.before)


def _beside(known: Known, step: int) -> Iterator[str]:
    """What else is recorded of the steps around it: findings, marks, rate, epochs."""
    state = known.state
    assert state is not None
    for at, finding in enumerate(known.findings, 1):
        if finding.step is not None and abs(finding.step - step) <= _NEAR * max(state.loss.width, 1):
            yield f"[{at}] was found at step {finding.step:,}: {finding.title}."
    kinds = ("back", "rate", "resumed", "paused", "said")
    for mark in state.marks:
        if mark.kind in kinds and abs(mark.step - step) <= _NEAR:
            yield f"Step {mark.step:,}: {mark.text.rstrip('.')}."
    epoch = _epoch_begun(state, step)
    if epoch:
        yield f"Epoch {epoch + 1} began here: the rows come once more, in another order."


def _epoch_begun(state: RunState, step: int) -> int:
    plan = state.plan
    if plan is None or plan.rows < 1 or plan.batch_rows < 1:
        return 0
    each = -(-plan.rows // plan.batch_rows)
    epoch, past = divmod(step - 1, each)
    return epoch if past < 2 and each > _NEAR else 0


def _reasons(known: Known, leap: Around) -> Iterator[str]:
    state = known.state
    assert state is not None
    norm = around(state.grad_norm, leap.step)
    if norm is not None and norm.before > 0:
        times = norm.value / norm.before
        if times >= _SHAKEN:
            yield (
                f"The gradient norm was {number(norm.value)} there, {times:.0f} times the usual "
                f"{number(norm.before)}: the step pulled hard at the weights."
            )
        else:
            yield f"The gradient norm was {number(norm.value)}, about as usual ({number(norm.before)})."
    yield from _rate(state, leap.step)
    yield from _rows(known, leap.step)


def _rate(state: RunState, step: int) -> Iterator[str]:
    found = around(state.lr, step)
    if found is None:
        return
    top = max(high for _, _, high, _ in state.lr.points())
    if found.value >= 0.98 * top:
        yield f"The learning rate stood at its highest there, {rate(found.value)}."
    else:
        yield f"The learning rate was {rate(found.value)} there; its highest is {rate(top)}."


def _rows(known: Known, step: int) -> Iterator[str]:
    eaten = known.eaten
    if eaten is None or eaten.step != step or not eaten.rows:
        return
    learnt = sum(row.learnt for row in eaten.rows)
    few, long = min(row.learnt for row in eaten.rows), max(row.learnt for row in eaten.rows)
    yield (
        f"It was taught with {len(eaten.rows)} rows and {learnt:,} tokens that count, from {few:,} to "
        f"{long:,} a row. Those most unlike the others in length:"
    )
    usual = median(row.learnt for row in eaten.rows)
    odd = sorted(eaten.rows, key=lambda row: -abs(row.learnt - usual))
    for row in odd[:_SHOWN]:
        yield f"{row.where}: {quoted(' '.join(part.text for part in row.parts if part.learnt), _TEXT)}"


def _then(known: Known, leap: Around) -> str:
    state = known.state
    assert state is not None
    look = f"`openlora runs eaten {state.run} --step {leap.step}` shows its rows."
    if leap.after is None:
        return f"Wait for some more steps before you do anything. {look}"
    if _came_back(leap):
        return (
            "A leap of a step that comes back mostly means rows unlike the others (very short or very odd "
            f"answers), and does no lasting harm. {look}"
        )
    peak = state.peak_rate or (state.plan.learning_rate if state.plan else 0.0)
    lower = f", such as {rate(peak / 2)} in place of {rate(peak)}" if peak else ""
    return (
        "A loss that stays up means that the weights were thrown off: the learning rate is too high for "
        f"them, or the rows changed. Go on from the checkpoint before it with a lower learning_rate{lower}. "
        f"{look}"
    )
