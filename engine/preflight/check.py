"""The whole pre-flight of a recipe: all groups of checks, the data last and for as long as there is time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from engine.data.outlook import counted, outlook
from engine.findings import SEVERITIES, Category, Finding
from engine.preflight import device, disk, hub, memory, method, model, numbers, start, targets
from engine.preflight.data import DataLook, DataLooks
from engine.preflight.findings import stopped
from engine.preflight.past import prospect_of
from engine.preflight.subject import Size, Subject
from engine.preflight.verdict import Verdict
from engine.problem import Problem
from engine.recipe.places import missing_paths, placed
from engine.recipe.yaml import RecipeFile
from engine.sources.resolve import PLACED, resolve
from engine.telemetry.gpu import gpus
from engine.text import amount

_MOMENT: Final = 0.2
"""Seconds for which rows are counted where the data is not inspected."""
_JUDGED: Final[dict[str, Category]] = {
    "model": "dependency_version",
    "adapter": "merge_mismatch",
    "trust_remote_code": "dependency_version",
}
"""Fields whose files are there and do not fit: findings. Files that are not there are wrong input."""


class Preflight:
    """One look at a recipe; `steps` does the work in pieces, and `verdict` tells what it came to.

    Args:
        ask: ask the hub about a model that is not on this machine.
        looks: at data that was looked at before, which is not read again while it is the same.

    Raises:
        Problem: a file that the recipe names is not there; a check of such a recipe has no meaning.
    """

    def __init__(self, file: RecipeFile, *, ask: bool = False, looks: DataLooks | None = None) -> None:
        self._refused = list(_unfit(file))
        self._ask = ask
        self._subject = Subject(_resolved(file, self._refused), gpus())
        self._looks = looks or DataLooks()
        self._data: DataLook | None = None

    def steps(self, seconds: float | None = None) -> Iterator[float]:
        """Look at the rows too, for at most about `seconds`; each yield is how much is done."""
        self._data = self._looks.at(self._subject)
        end = time.monotonic() + seconds if seconds is not None else None
        for share in self._data.steps():
            yield share
            if end is not None and time.monotonic() > end:
                return

    def count(self) -> None:
        """Count the rows for a moment, where they are not to be looked at."""
        recipe = self._subject.recipe
        try:
            sources = resolve(recipe.data_entries, folder=PLACED, env=self._subject.env)
            found = outlook(recipe, counted(sources, recipe, _MOMENT))
        except Problem:  # whoever reads the rows says it with its place
            return
        rows = None if found.rows is None or not found.exact else found.rows - found.held
        self._subject.size = Size(rows=rows, held=found.held, steps=found.steps)

    def verdict(self) -> Verdict:
        """What is known now."""
        subject, data = self._subject, self._data
        if data is not None:
            subject.size = data.size()
        found = [
            *self._early,
            *numbers.look(subject),
            *method.look(subject),
            *disk.look(subject),
            *memory.look(subject),
        ]
        sampled = data.sampled if data is not None else None
        found += data.findings() if data is not None else []
        if sampled is not None:
            found.append(_of_a_sample(sampled))
        told = {(finding.category, finding.title): finding for finding in found}
        gravest = sorted(told.values(), key=lambda finding: SEVERITIES.index(finding.severity))
        facts = list(_facts(subject))
        return Verdict(findings=gravest, facts=facts, sampled=sampled, prospect=prospect_of(subject))

    @cached_property
    def _early(self) -> list[Finding]:
        """What no number of rows changes."""
        return list(self._surroundings())

    def _surroundings(self) -> Iterator[Finding]:
        yield from self._refused
        if not self._refused:
            yield from model.look(self._subject)
            yield from targets.look(self._subject)
            yield from start.look(self._subject)
        yield from hub.look(self._subject, ask=self._ask)
        yield from device.look(self._subject)


def _unfit(file: RecipeFile) -> Iterator[Finding]:
    for field, problem in missing_paths(file):
        if field not in _JUDGED or (field == "model" and not os.path.isdir(file.resolved().model)):
            raise problem
        yield stopped(_JUDGED[field], problem)


def _resolved(file: RecipeFile, refused: list[Finding]) -> Any:
    return file.resolved() if refused else placed(file)


def _of_a_sample(rows: int) -> Finding:
    return Finding(
        category="other",
        severity="note",
        title=f"Only the first {rows:,} rows were looked at",
        cause="There are more than can be read in a moment.",
        remedy="openlora check RECIPE --full looks at all of them; openlora inspect shows them.",
    )


def _facts(subject: Subject) -> Iterator[str]:
    size, recipe = subject.size, subject.recipe
    if size.rows is not None:
        held = f", {size.held:,} held out" if size.held else ""
        yield f"{size.rows:,} rows to learn from{held}"
    if size.steps is not None:
        yield f"{size.steps:,} steps of {recipe.step_rows:,} rows"
    if subject.trainable is not None and subject.adapted is not None:
        rank, shapes = subject.adapted
        yield f"an adapter of rank {rank} on {len(shapes):,} layers: {subject.trainable:,} parameters"
    wanted = disk.wanted_by(subject)
    if wanted is not None:
        many = f"{wanted.checkpoints} checkpoints at once, each"
        yield f"{many if wanted.checkpoints > 1 else 'a checkpoint'} of {amount(wanted.each)}"
