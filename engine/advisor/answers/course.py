"""How a run goes, how it ended, how long it takes, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from engine import events as ev
from engine.advisor.answers.figures import duration, ends, number, progress, still_falls
from engine.advisor.known import Known
from engine.findings import SEVERITIES, Finding, Severity
from engine.run_state import RunState

_NO_RUN = "No run is at hand: name one, or open it, and ask again."


def going(known: Known) -> list[str]:
    """`Is it going well?`: a verdict first, then what it rests on."""
    state = known.state
    if state is None:
        return [_NO_RUN, *_found(known)]
    return [_verdict(known, state), *_curve(state), *_found(known), *_pace(state)]


def _verdict(known: Known, state: RunState) -> str:
    blockers, warnings = _of(known, "blocker"), _of(known, "warning")
    if state.status == "failed":
        return f"No: run {state.run} failed at {progress(state)}. {state.reason.rstrip('.')}."
    if blockers:
        return f"No: {blockers} would spoil it or stop it. It is {_standing(state)}."
    if state.status in ("queued", "starting") and not state.step:
        why = f", {state.reason}" if state.reason else ""
        return f"It has not begun to learn: it is {state.status}{why}."
    moved = ends(state.loss)
    if moved is None:
        return f"Too early to tell: it is {_standing(state)}."
    first, last = moved
    if last > first:
        return f"No: the loss is higher than it was at the start. It is {_standing(state)}."
    if _overfits(state):
        best = f"step {state.best_eval_step:,}"
        return f"It was better before: the loss on held-out rows was lowest at {best} and has risen since."
    if warnings:
        learns = "It has learnt" if state.ended else "It learns"
        return f"{learns}, but see {warnings}. It is {_standing(state)}."
    return f"Yes, as far as the figures tell. It is {_standing(state)}."


def _standing(state: RunState) -> str:
    if state.status == "succeeded":
        return f"finished, after {state.step:,} steps"
    return f"{state.status}, at {progress(state)}"


def _of(known: Known, severity: Severity) -> str:
    return "".join(f"[{at}]" for at, found in enumerate(known.findings, 1) if found.severity == severity)


def _overfits(state: RunState) -> bool:
    latest = state.eval_loss.latest
    return latest is not None and state.best_eval is not None and latest > 1.05 * state.best_eval


def _curve(state: RunState) -> Iterator[str]:
    moved = ends(state.loss)
    if moved is not None:
        first, last = moved
        share = (first - last) / abs(first) if first else 0.0
        way = f"{abs(share):.0%} {'lower' if share >= 0 else 'higher'} than at the start"
        falls = still_falls(state.loss)
        on = "" if falls is None else ", and still falls" if falls else ", and is level by now"
        yield f"Training loss: {number(last)}, {way} ({number(first)}){on}."
    points = state.eval_loss.points()
    if points and state.best_eval is not None:
        begun, now = points[0], points[-1]
        yield (
            f"Held-out loss: {number(now[3])} at step {now[0]:,}; best {number(state.best_eval)} at step "
            f"{state.best_eval_step:,}, first {number(begun[3])} at step {begun[0]:,}."
        )
    elif state.step:
        yield "Nothing is held out, or nothing was evaluated yet, so whether it generalises is not known."


def _found(known: Known) -> Iterator[str]:
    if not known.findings:
        yield "Nothing was found fault with."
    for at, found in enumerate(known.findings[:4], 1):
        at_step = f" (step {found.step:,})" if found.step is not None else ""
        yield f"[{at}] {found.severity}: {found.title.rstrip('.')}{at_step}."
    if len(known.findings) > 4:
        yield f"And {len(known.findings) - 4} more findings."


def _pace(state: RunState) -> Iterator[str]:
    if state.seconds_left is not None:
        yield f"About {duration(state.seconds_left)} are left."


def ended(known: Known) -> list[str]:
    """`Why did it fail?`"""
    state = known.state
    if state is None:
        return [_NO_RUN, *_found(known)]
    outcome = state.outcome
    if not isinstance(outcome, ev.Failed):
        word = f"It has not failed: it is {_standing(state)}."
        return [word, *_found(known)]
    causes = _graver(known)
    blockers = [(at, found) for at, found in causes if found.severity == "blocker"]
    lines = [f"It ended at {progress(state)}: {outcome.what.rstrip('.')}."]
    if not any(found.cause for _, found in blockers):
        lines += _lines(outcome.why)
    for at, found in (blockers or causes)[:2]:
        sure = f" ({found.confidence:.0%} sure)" if found.confidence < 1 else ""
        lines.append(f"[{at}]{sure} {found.title.rstrip('.')}. {found.cause}".rstrip())
        lines += [f"Evidence: {'; '.join(found.evidence[:3])}."] if found.evidence else []
        lines += _lines(found.remedy)
    if not causes:
        lines += [f"Its console ended with: {line}" for line in outcome.console[-2:]]
    return [*lines, *_again(state, outcome)]


def _graver(known: Known) -> list[tuple[int, Finding]]:
    """Findings that are more than notes, by number; blockers first."""
    grave = [(at, found) for at, found in enumerate(known.findings, 1) if found.severity != "note"]
    return sorted(grave, key=lambda one: SEVERITIES.index(one[1].severity))


def _lines(text: str) -> list[str]:
    return [text] if text else []


def _again(state: RunState, outcome: ev.Failed) -> Iterator[str]:
    if outcome.do:
        yield outcome.do
    if state.checkpoint is not None:
        yield f"The last sound checkpoint is that of step {state.checkpoint.step:,}."
    if outcome.resumable:
        yield f"`openlora runs resume {state.run}` goes on from its last checkpoint."
    else:
        yield f"`openlora runs retry {state.run}` begins again with what would mend it."


def after(known: Known) -> list[str]:
    """`What next?`: what the findings ask for first, then what the run's standing allows."""
    remedies = [
        f"[{at}] {found.title.rstrip('.')}. {found.remedy or found.cause}".rstrip()
        for at, found in _graver(known)
        if found.remedy or found.patch
    ]
    lead = ["First what was found:"] if remedies else []
    return [*lead, *remedies[:3], *_by_standing(known), *_helped(known)]


def _by_standing(known: Known) -> Iterator[str]:
    state = known.state
    if state is None:
        yield "`openlora check RECIPE` tries the recipe before it costs anything; then start it."
        return
    run = state.run
    match state.status:
        case "queued":
            yield f"It waits: {state.reason or 'for its turn'}. Nothing has to be done."
        case "succeeded" | "stopped":
            yield (
                f"Talk to it: `openlora chat {run} --both` answers with the adapter and without. "
                f"`openlora runs compare` sets it beside others."
            )
            if _overfits(state):
                best = f"{state.best_eval_step:,}"
                yield f"The held-out loss was best at step {best}: fewer epochs, or load_best_model_at_end."
            elif still_falls(state.loss):
                yield "Its loss still fell at the end: `openlora runs resume --epochs +1` goes on."
        case "failed" | "interrupted":
            yield from _again(state, state.outcome) if isinstance(state.outcome, ev.Failed) else ()
        case "paused":
            why = f" because {state.reason}" if state.reason else ""
            yield f"It is paused{why}; `openlora runs continue {run}` lets it go on."
        case _ if _overfits(state):
            best = f"{state.best_eval_step:,}"
            yield f"Held-out loss rises since step {best}. `openlora runs stop {run}` ends it and saves."
        case _:
            left = state.seconds_left
            yield f"Let it run{f'; about {duration(left)} are left' if left is not None else ''}."


def _helped(known: Known) -> Iterator[str]:
    """Patches that have helped past runs with what was found here."""
    wanted = {found.category for found in known.findings if found.severity != "note"}
    tried = [(lesson.run, a) for lesson in known.lessons for a in lesson.attempts if a.category in wanted]
    for run, attempt in [(run, attempt) for run, attempt in tried if attempt.helped][:2]:
        yield f"In run {run}, {attempt.patch.label} helped against {attempt.category}."


def stop(known: Known) -> list[str]:
    """`Should I stop it?`"""
    state = known.state
    if state is None or state.ended:
        return [_NO_RUN if state is None else f"It has ended already: {_standing(state)}."]
    way = f"`openlora runs stop {state.run}` ends it and saves an adapter."
    if _overfits(state):
        return [f"Yes: held-out loss has risen since step {state.best_eval_step:,}. {way}"]
    blockers, warnings = _of(known, "blocker"), _of(known, "warning")
    if blockers:
        return [f"Yes, unless you can live with {blockers}. {way}", *_found(known)]
    if warnings:
        return [f"Not for its curve; see {warnings} first. {way}", *_found(known)]
    return [f"There is no reason to. It is {_standing(state)}."]


def time_left(known: Known) -> list[str]:
    """`How long does it take?`"""
    state = known.state
    if state is None:
        return [_NO_RUN]
    if state.ended:
        took = duration(max(state.updated - state.created, 0))
        return [f"It has ended ({state.status}) {took} after it was made, with {state.step:,} steps."]
    left = state.seconds_left
    lines = [f"It is {_standing(state)}."]
    if left is None:
        lines.append("The time left can be told after two steps of this worker.")
    else:
        lines.append(f"At the present rate about {duration(left)} are left, evaluation and saving included.")
    speed = state.speed.latest
    if speed:
        each = f"{state.step_seconds:.2g} s a step" if state.step_seconds else ""
        lines.append(f"It learns from {speed:,.0f} tokens a second{f', {each}' if each else ''}.")
    slow = known.cite("hang_or_slow")
    return [*lines, f"See {slow} on what slows it."] if slow else lines
