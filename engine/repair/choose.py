"""What could be changed to mend a run, the most promising first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.findings import Category, Finding, Patch
from engine.lessons.lesson import Lesson
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.recipe.resuming import changes
from engine.recipe.yaml import changed, read
from engine.remarks import Tried
from engine.repair import saved
from engine.repair.cause import causes
from engine.repair.known import Record, fails, kind_of, record
from engine.repair.remedies import AFRESH, AGAIN, TRANSIENT, proposed
from engine.run_dir import RunDir
from engine.run_state import RunState

_NEXT: Final = 0.8
"""How much less a remedy counts than the one before it in the table."""
_IN_VAIN: Final = 0.25
"""How much less one of a kind that this chain of runs has tried already."""
_KNOWN: Final = 0.05
_LEARNT: Final[frozenset[Category]] = frozenset({
    "nan_or_inf", "loss_spike_divergence", "loss_not_decreasing", "overfit_memorising",
    "garbage_after_training",
})  # fmt: skip
"""Troubles that lie in what was learnt: a checkpoint that has them already is no place to go on from."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One change that may help."""

    finding: Finding
    patch: Patch
    record: Record = Record()
    known: str = ""
    """Why it is expected to fail; empty where nothing speaks against it."""
    step: int = 0
    """The checkpoint that the new run would go on from; 0 begins anew."""
    weight: float = 0.0

    @property
    def said(self) -> str:
        """The change with where it begins and what is known of it, on one line."""
        begins = f"from step {self.step:,}" if self.step else "from the beginning"
        told = self.patch == AGAIN or _afresh(self.patch)
        about = self.patch.label if told else f"{self.patch.label}, {begins}"
        return "; ".join(part for part in (about, str(self.record), self.known) if part)


def choices(
    directory: RunDir, state: RunState, lessons: Sequence[Lesson], before: Sequence[Tried] = ()
) -> list[Choice]:
    """What could be changed about the run, ranked; empty where nothing is known that would mend it.

    Args:
        directory: the run's.
        state: how it ended.
        lessons: what all runs taught.
        before: what the runs that led to this one were begun with.

    Raises:
        Problem: its recipe cannot be read any more.
    """
    found = causes(directory, state)
    blockers = [finding for finding in found if finding.severity == "blocker"]
    told = [
        _weighed(directory, finding, change, _NEXT**number, lessons, before)
        for finding in blockers or found
        for number, change in enumerate(proposed(read(directory.recipe).recipe, finding))
        if not change.data
    ]
    first: dict[str, Choice] = {}
    for choice in sorted(filter(None, told), key=lambda one: -one.weight):
        first.setdefault(repr(sorted(choice.patch.recipe.items())), choice)
    return list(first.values())


def by_itself(found: Sequence[Choice]) -> Choice | None:
    """What the engine may take without asking: for what ended the run, and not known to fail."""
    return next((one for one in found if one.finding.severity == "blocker" and not one.known), None)


def chosen(
    directory: RunDir, state: RunState, lessons: Sequence[Lesson], patch: Patch | None, typed: Patch | None
) -> Choice | None:
    """What a person asks for; None where nothing is asked for and nothing is known that would mend it.

    Args:
        directory: the run's.
        state: how it ended.
        lessons: what all runs taught.
        patch: one that was picked from `choices`, None for what promises most.
        typed: what was typed beside it, or instead of it.

    Raises:
        Problem: its recipe cannot be read any more.
    """
    found = choices(directory, state, lessons, state.remarks.tried)
    asked = patch or typed
    if asked is None:
        return found[0] if found else None
    wanted = msgspec.json.encode(asked)  # what came over the wire holds lists for tuples
    listed = next((one for one in found if msgspec.json.encode(one.patch) == wanted), None)
    choice = listed or _own(directory, lessons, asked, next(iter(causes(directory, state)), None))
    if patch is None or typed is None:
        return choice
    label = f"{patch.label}, {typed.label}"
    both = Patch(label=label, recipe={**patch.recipe, **typed.recipe})
    return _own(directory, lessons, both, choice.finding)


def _own(directory: RunDir, lessons: Sequence[Lesson], patch: Patch, finding: Finding | None) -> Choice:
    """The choice that a person made with a patch of their own, against that finding."""
    finding = finding or Finding(category="other", severity="note", title="asked for by hand")
    weighed = _weighed(directory, finding, patch, 1.0, lessons, ())
    return weighed or Choice(finding=finding, patch=patch)


def _afresh(patch: Patch) -> bool:
    """True where no checkpoint is to be used; what a person typed beside it follows in the label."""
    return patch.label.startswith(AFRESH.label)


def _weighed(
    directory: RunDir,
    finding: Finding,
    change: Patch,
    weight: float,
    lessons: Sequence[Lesson],
    before: Sequence[Tried],
) -> Choice | None:
    file = read(directory.recipe)
    try:
        after = changed(file, change.recipe).recipe
    except Problem:
        return None  # a patch may name values that exclude each other
    now: Mapping[str, Any] = msgspec.to_builtins(file.recipe)
    told = record(lessons, finding.category, change, now)
    known = "" if finding.check in TRANSIENT else fails(lessons, msgspec.to_builtins(after))
    tried = any(one.category == finding.category and kind_of(one.patch, now) == kind_of(change, now)
                for one in before)  # fmt: skip
    weight *= finding.confidence * told.weight * (_IN_VAIN if tried else 1.0) * (_KNOWN if known else 1.0)
    places = [] if _afresh(change) else list(_places(directory, finding, after))
    step = places[-1][1].step if places else 0
    return Choice(finding=finding, patch=change, record=told, known=known, step=step, weight=weight)


def _places(directory: RunDir, finding: Finding, after: Recipe) -> Iterator[tuple[Any, saved.Saved]]:
    """The checkpoints that a run with the recipe `after` could go on from."""
    learnt = finding.category in _LEARNT
    for path, manifest in saved.good(directory, finding.step if learnt else None, learnt=learnt):
        refused = [change for change in changes(manifest.settings, after) if change.means == "refused"]
        if manifest.settings and not refused:
            yield path, manifest


def places(directory: RunDir, choice: Choice, after: Recipe) -> list[tuple[Any, saved.Saved]]:
    """The checkpoints that the new run is given, the last of which it goes on from."""
    return [] if _afresh(choice.patch) else list(_places(directory, choice.finding, after))
