"""What past runs have changed, in words: what is expected of it, and which runs say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from engine.lessons.lesson import Lesson
from engine.recipe.edit import written
from engine.recipe.recipe import Recipe
from engine.recommend.published import rows_a_step, two_digits
from engine.recommend.surrogate import Seen
from engine.recommend.sweep import Search
from engine.recommend.values import Plan, Value

_ONE_BY_ONE: Final = (
    "learning_rate", "lora_r", "lr_scheduler_type", "target_modules", "num_train_epochs",
)  # fmt: skip
_ROWS: Final = "rows"
_NAMED: Final = 3
_FURTHER: Final = 3.0
"""Times the rate that is compared with one that stays."""


def tell(plan: Plan, search: Search, best: Recipe, lessons: Mapping[str, Lesson]) -> None:
    """Put what has changed into the plan; of a rate that stays, say that runs agree."""
    first = search.first
    for name in _ONE_BY_ONE:
        value, before = getattr(best, name), getattr(first, name)
        if value != before:
            other = replace(best, **{name: before})
            known = plan.values.get(name)
            plan.put(
                Value(
                    field=name,
                    value=value,
                    reason=_reason(search, best, other, name, lessons),
                    source="your runs",
                    confidence=_sure(search, best, other),
                    cites=known.cites if known is not None else [],
                    runs=_named(search.voices(best, other)),
                )
            )
    if best.batch_rows != first.batch_rows:
        other = replace(best, per_device_train_batch_size=first.batch_rows, gradient_accumulation_steps=1)
        reason = f"{best.batch_rows} rows a step. {_reason(search, best, other, _ROWS, lessons)}"
        runs = _named(search.voices(best, other))
        plan.put(*rows_a_step(best.batch_rows, reason, "your runs", _sure(search, best, other), runs=runs))
    rate = plan.values.get("learning_rate")
    if best.learning_rate == first.learning_rate and rate is not None and rate.source != "your runs":
        plan.put(_agreed(rate, search, best))


def _agreed(held: Value, search: Search, best: Recipe) -> Value:
    """The rate, surer by the runs that speak for no other."""
    further = replace(best, learning_rate=best.learning_rate * _FURTHER)
    return replace(
        held,
        reason=f"{held.reason} {search.runs} past runs on rows like these speak for no other.",
        confidence=max(held.confidence, _sure(search, best, further)),
        runs=_named(search.voices(best, further)),
    )


def _reason(search: Search, best: Recipe, other: Recipe, name: str, lessons: Mapping[str, Lesson]) -> str:
    share, before = search.mean(other) - search.mean(best), _word(_value(other, name))
    outcome = f"fall about {round(100 * share)} % further than with {before}"
    if share < 0.005:
        outcome = f"fall as far as with {before}, in less time"
    told = f"By {search.runs} past runs the held-out loss should {outcome}."
    loud = [
        f"run {one.run} with {_word(_of_run(lessons[one.run], name))} missed {round(100 * one.missed)} %"
        for one in search.voices(best, other)[:_NAMED]
        if one.run in lessons
    ]
    return f"{told} What says so most: {', '.join(loud)} of what its rows had to give." if loud else told


def _value(recipe: Recipe, name: str) -> object:
    return recipe.batch_rows if name == _ROWS else getattr(recipe, name)


def _of_run(lesson: Lesson, name: str) -> object:
    recipe = lesson.recipe
    if name == _ROWS:
        return recipe["per_device_train_batch_size"] * recipe["gradient_accumulation_steps"]
    return recipe.get(name)


def _named(voices: Sequence[Seen]) -> list[str]:
    return [one.run for one in voices[:_NAMED]]


def _word(value: object) -> str:
    return written(two_digits(value)) if isinstance(value, float) and value < 1 else written(value)


def _sure(search: Search, best: Recipe, other: Recipe) -> float:
    """Surer the more is known of how the two compare."""
    return round(min(0.4 + 0.55 * search.known(best, other), 0.95), 2)
