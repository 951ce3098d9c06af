"""What past runs say of a change: how often it has helped, and whether its settings are known to fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.findings import Category, Patch
from engine.lessons.lesson import Lesson
from engine.repair.remedies import HOT, TRANSIENT

_BESIDE: Final = frozenset({
    "run_name", "output_dir", "trust_remote_code", "on_failure", "repair_attempts", "repair_budget",
    "save_steps", "save_total_limit", "sample_steps", "sample_prompts", "sample_max_new_tokens", "eval_steps",
})  # fmt: skip
"""Fields that decide neither what is learnt nor whether it fits."""
_BROKEN: Final = frozenset({"nan_or_inf", "loss_spike_divergence"})
_STILL: Final = frozenset({"loss_not_decreasing"})
_RUNS: Final = 3
"""Runs that are named at most."""


class Record(msgspec.Struct, frozen=True):
    """How often a kind of change was tried against a kind of trouble, and how often that helped."""

    tried: int = 0
    helped: int = 0

    @property
    def weight(self) -> float:
        """1 where nothing is known, towards 2 where it helps and towards 0 where it does not (Laplace)."""
        return 2 * (self.helped + 1) / (self.tried + 2)

    def __str__(self) -> str:
        return f"helped in {self.helped} of {self.tried} runs" if self.tried else ""


def record(lessons: Sequence[Lesson], category: Category, change: Patch, recipe: Mapping[str, Any]) -> Record:
    """The record of changes of this kind: the same fields, and numbers in the same direction."""
    kind = kind_of(change, recipe)
    recipes = {lesson.run: lesson.recipe for lesson in lessons}
    ends = [
        attempt.helped
        for lesson in lessons
        for attempt in lesson.attempts
        if attempt.helped is not None and attempt.category == category
        and kind_of(attempt.patch, recipes.get(attempt.after, {})) == kind
    ]  # fmt: skip
    return Record(len(ends), sum(ends))


def kind_of(change: Patch, before: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Which fields change, and how: up, down, or to what."""
    return tuple(sorted((name, _way(before.get(name), value)) for name, value in change.recipe.items()))


def fails(lessons: Iterable[Lesson], recipe: Mapping[str, Any]) -> str:
    """Says in words that these settings have failed on this model and data; empty where nothing is known."""
    named = [lesson.run for lesson in lessons if _failed(lesson) and _same_work(lesson.recipe, recipe)
             and _as_bad(lesson, recipe)]  # fmt: skip
    if not named:
        return ""
    runs = ", ".join(named[:_RUNS]) + (" and others" if len(named) > _RUNS else "")
    return f"run{'s' if len(named) > 1 else ''} {runs} failed with these settings"


def _way(before: Any, after: Any) -> str:
    number = isinstance(after, (int, float)) and not isinstance(after, bool)
    if number and isinstance(before, (int, float)):
        return "up" if after > before else "down"
    return "changed" if number else str(after)


def _failed(lesson: Lesson) -> bool:
    """True where the recipe is to blame: not where the run was killed or the machine went down."""
    blamed = [seen for seen in lesson.findings if seen.severity == "blocker"]
    return lesson.status == "failed" and bool(blamed) and not any(seen.name in TRANSIENT for seen in blamed)


def _same_work(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one) and all(_plain(one.get(name)) == _plain(other.get(name)) for name in ("model", "data"))


def _as_bad(lesson: Lesson, recipe: Mapping[str, Any]) -> bool:
    """The same in every field that counts, or worse in the one by which that run is known to have failed."""
    differ = [
        name
        for name in lesson.recipe.keys() | recipe.keys()
        if name not in _BESIDE and _plain(lesson.recipe.get(name)) != _plain(recipe.get(name))
    ]
    categories = {seen.category for seen in lesson.findings if seen.severity == "blocker"}
    rate = lesson.recipe.get("learning_rate", 0.0)
    worse = {
        "learning_rate": bool(categories & _BROKEN or (categories & _STILL and rate > HOT)),
        "max_length": "oom" in categories,
        "per_device_train_batch_size": "oom" in categories,
    }
    return all(
        worse.get(name, False) and recipe.get(name, 0) >= lesson.recipe.get(name, 0) for name in differ
    )


def _plain(value: Any) -> Any:
    """A list of one is what is in it: the two are written alike."""
    return (
        value[0] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1 else value
    )
