"""Settings that failed before on models like this one, and what is taken instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from engine.findings import Category, Finding
from engine.lessons.alike import Fingerprint
from engine.lessons.history import SUSPECTS, Suspect, history
from engine.lessons.lesson import Lesson
from engine.recipe.recipe import Recipe
from engine.recommend.published import two_digits
from engine.recommend.values import Plan, Value

BROKEN: Final[tuple[Category, ...]] = ("nan_or_inf", "loss_spike_divergence")
"""Findings of a run whose numbers broke: its losses say nothing of how good its settings are."""
_ALONE: Final = ("learning_rate", "num_train_epochs")
"""Fields that decide by themselves; what memory allows is settled as a whole."""
_ROUNDS: Final = 4
"""Another value may have failed too."""


class Past:
    """What past runs have against a recipe.

    Args:
        mark: what the run would be.
        lessons: the newest first.
    """

    def __init__(self, mark: Fingerprint, lessons: Sequence[Lesson]) -> None:
        self._mark, self._lessons = mark, lessons

    def against(self, recipe: Recipe) -> list[Finding]:
        """The findings on a recipe."""
        fields: dict[str, Any] = msgspec.to_builtins(recipe)
        return history(fields, self._mark, self._lessons)

    def fails(self, recipe: Recipe) -> bool:
        """True where a run failed with no more than the recipe's rate or epochs."""
        return any(_suspect(finding) is not None for finding in self.against(recipe))

    def avoid(self, plan: Plan) -> list[Finding]:
        """Take other values where these have failed; what there is to say of them."""
        told: dict[str, Finding] = {}
        for _ in range(_ROUNDS):
            new = [one for one in self.against(plan.recipe) if _suspect(one) is not None]
            if all(finding.title in told for finding in new):
                break
            told |= {finding.title: finding for finding in new}
            for finding in new:
                plan.put(*_instead(finding, plan.recipe))
        return [_insisted(finding, plan) for finding in told.values()]


def _suspect(finding: Finding) -> Suspect | None:
    """The suspect whose one field can be set otherwise."""
    name = finding.check.removeprefix("history.")
    suspect = next((suspect for category, suspect in SUSPECTS.items() if category == name), None)
    return suspect if suspect is not None and suspect.fields[0] in _ALONE else None


def _instead(finding: Finding, recipe: Recipe) -> Iterator[Value]:
    """What worked; else half as much, or twice."""
    suspect = _suspect(finding)
    if suspect is None:
        return
    name = suspect.fields[0]
    known = finding.patch.recipe.get(name) if finding.patch is not None else None
    untried = getattr(recipe, name) * (0.5 if suspect.worse == "up" else 2.0)
    least = 1.0 if name == "num_train_epochs" else 0.0
    reason = finding.title if known is not None else f"{finding.title}; this has not been tried"
    yield Value(
        field=name,
        value=known if known is not None else max(two_digits(untried), least),
        reason=f"{reason}.",
        source="your runs",
        confidence=finding.confidence if known is not None else 0.5,
        runs=[line.split()[1].rstrip(":") for line in finding.evidence if line.startswith("run ")],
    )


def _insisted(finding: Finding, plan: Plan) -> Finding:
    """A note where the value was changed, as grave as it is where a person wants to keep it."""
    suspect = _suspect(finding)
    kept = suspect is not None and suspect.fields[0] in plan.kept
    return msgspec.structs.replace(finding, severity="warning" if kept else "note")
