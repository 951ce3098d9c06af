"""Why one run came out better than another, as far as the two and the other past runs can tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from engine.lessons.compare import compared, differences, noise_of, said
from engine.lessons.history import named
from engine.lessons.lesson import Lesson, Seen

_DECIDE: Final = (
    "model", "data", "learning_rate", "num_train_epochs", "max_steps", "method", "objective", "lora_r",
    "lora_alpha", "target_modules", "per_device_train_batch_size", "gradient_accumulation_steps",
)  # fmt: skip
"""Fields that decide most, first."""
_LUCK: Final = frozenset({"seed", "run_name"})
_BESIDE: Final = frozenset({"save_steps", "save_total_limit", "sample_steps", "sample_prompts", "run_name",
                            "sample_max_new_tokens", "eval_steps", "devices", "output_dir"})  # fmt: skip
"""Fields that do not change what is learnt."""
_MOST: Final = 12
_NEAR: Final = 0.005
"""Share of a loss that counts as the same where its noise is not known."""


class Explanation(msgspec.Struct, kw_only=True):
    """Why one of two runs is better."""

    better: str | None
    """The better run; None where that cannot be said."""
    verdict: str
    reasons: list[str]
    """What each run's own course tells, and what they differ in, the weightiest first."""
    sure: bool
    """True where they differ in one thing that decides, by more than noise."""
    test: str = ""
    """What would tell, where it is not sure."""


def why(one: Lesson, other: Lesson, lessons: Iterable[Lesson] = ()) -> Explanation:
    """Explain the difference; `lessons` are other past runs that may tell one cause from another."""
    best, worst, verdict = _judged(one, other)
    changed = {n: had for n, had in differences([best, worst]).items() if n not in _BESIDE}
    reasons = [*_course(worst, best), *_said_of(best, worst, changed)]
    decisive = [name for name in changed if name not in _LUCK]
    told = [said for name in decisive for said in _elsewhere(name, best, worst, lessons)]
    close = _within_noise(best, worst)
    known = verdict != ""
    sure = known and len(decisive) == 1 and not close
    return Explanation(
        better=best.run if known else None,
        verdict=verdict or _undecided(one, other),
        reasons=[*reasons, *told] or ["Their recipes are the same in all that decides."],
        sure=sure,
        test=_same_measure(known) or ("" if sure else _test(decisive, best, worst, close=close)),
    )


def _judged(one: Lesson, other: Lesson) -> tuple[Lesson, Lesson, str]:
    """The better run, the worse one, and in which way; the words are empty where that cannot be said."""
    comparison = compared([one, other])
    if not comparison.apart and one.eval_loss is not None and other.eval_loss is not None:
        best, worst = sorted([one, other], key=lambda run: run.eval_loss or 0.0)
        low, high = best.eval_loss or 0.0, worst.eval_loss or 0.0
        words = f"Run {best.run} has the lower held-out loss: {low:.4g} against {high:.4g}"
        noise = noise_of([one, other])
        return best, worst, f"{words}{f', noise {noise:.2g}' if noise is not None else ''}."
    if (one.status == "succeeded") != (other.status == "succeeded"):
        best, worst = (one, other) if one.status == "succeeded" else (other, one)
        return best, worst, f"Run {best.run} ended well, and run {worst.run} {_ended(worst)}."
    return one, other, ""


def _undecided(one: Lesson, other: Lesson) -> str:
    comparison = compared([one, other])
    why_not = "; ".join(comparison.apart) or "not both have a held-out loss"
    return f"Which of them is better cannot be said: {why_not}."


def _same_measure(known: bool) -> str:
    return (
        "" if known else "Both measured on the same `eval_data`, with one template and tokenizer, would tell."
    )


def _ended(lesson: Lesson) -> str:
    words = {"failed": "failed", "interrupted": "was interrupted", "stopped": "was stopped"}
    return f"{words.get(lesson.status, lesson.status)} at step {lesson.steps:,} of {lesson.planned:,}"


def _course(worst: Lesson, best: Lesson) -> list[str]:
    """What happened to the worse run and not to the better one."""
    calm = {found.category for found in best.findings if found.severity != "note"}
    told = [
        f"In run {worst.run}{_at(found)}: {found.title.rstrip('.')}."
        for found in worst.findings
        if found.severity != "note" and found.category not in calm
    ]
    if worst.status != "succeeded" and best.status == "succeeded":
        told.append(f"Run {worst.run} {_ended(worst)}{f': {worst.reason}' if worst.reason else '.'}")
    elif 0 < worst.epochs < 0.9 * best.epochs:
        told.append(
            f"Run {worst.run} saw its rows {worst.epochs:.3g} times, run {best.run} {best.epochs:.3g}."
        )
    if best.data.rows and worst.data.rows and best.data.rows != worst.data.rows:
        told.append(
            f"Run {best.run} learnt from {best.data.rows:,} rows, run {worst.run} from {worst.data.rows:,}."
        )
    return told


def _said_of(best: Lesson, worst: Lesson, changed: dict[str, list[str]]) -> list[str]:
    order = sorted(changed, key=lambda name: _DECIDE.index(name) if name in _DECIDE else len(_DECIDE))
    return [f"{n}: {changed[n][0]} in run {best.run}, {changed[n][1]} in run {worst.run}." for n in order][
        :_MOST
    ]


def _elsewhere(name: str, best: Lesson, worst: Lesson, lessons: Iterable[Lesson]) -> list[str]:
    """Pairs of other runs that differ in this field alone, and by the same values."""
    wanted = [said(lesson.recipe, name) for lesson in (best, worst)]
    known = [one for one in lessons if one.eval_loss is not None and one.data.mask and one.recipe]
    sides = [[one for one in known if said(one.recipe, name) == value] for value in wanted]
    pairs = [
        (left, right)
        for left in sides[0][:_MOST]
        for right in sides[1][:_MOST]
        if {left.run, right.run} != {best.run, worst.run}
        and not differences([left, right]).keys() - {name} - _BESIDE - _LUCK
        and not compared([left, right]).apart
    ]
    return [_pair(name, wanted, left, right) for left, right in pairs[:1]]


def _pair(name: str, wanted: Sequence[str], left: Lesson, right: Lesson) -> str:
    assert left.eval_loss is not None
    assert right.eval_loss is not None
    gain = right.eval_loss - left.eval_loss
    if _within_noise(left, right):
        outcome = "made no difference"
    else:
        outcome = f"{wanted[0] if gain > 0 else wanted[1]} was better by {abs(gain):.2g}"
    return f"Elsewhere {name} alone differed in the same way, and {outcome} ({named([left, right])})."


def _within_noise(one: Lesson, other: Lesson) -> bool:
    if one.eval_loss is None or other.eval_loss is None:
        return False
    noise = noise_of([one, other])
    margin = 2 * noise if noise is not None else _NEAR * abs(one.eval_loss)
    return abs(one.eval_loss - other.eval_loss) <= margin


def _test(decisive: Sequence[str], best: Lesson, worst: Lesson, *, close: bool) -> str:
    if close:
        return "They lie within the noise: the same again with another seed would tell whether it was luck."
    if not decisive:
        return "Their recipes are the same but for luck: another seed for each would tell."
    first = min(decisive, key=lambda name: _DECIDE.index(name) if name in _DECIDE else len(_DECIDE))
    value = said(best.recipe, first)
    if len(decisive) < 2:
        return ""
    return (
        f"They differ in {len(decisive)} settings that decide. A run like {worst.run} with {first}: {value} "
        f"alone would tell whether it was that."
    )


def _at(found: Seen) -> str:
    return f" at step {found.step:,}" if found.step is not None else ""
