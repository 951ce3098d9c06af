"""What a recipe would come to if it were started now, looked up on disk; runs in threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.data.outlook import Counted, Outlook, counted, outlook
from engine.problem import Problem
from engine.recipe import Recipe, RecipeFile, missing_paths
from engine.sources.resolve import PLACED, NotHere, resolve
from engine.text import one_line
from openlora_tui.draft import Slip
from openlora_tui.glyphs import Glyphs
from openlora_tui.widgets.painted import Row, fitting

_FEW: Final = 20
"""Steps below which a run hardly moves its adapter."""


@dataclass(frozen=True)
class Prospect:
    """The answer, or that it is still looked up."""

    outlook: Outlook | None = None
    slips: dict[str, Slip] = field(default_factory=dict)
    """What is wrong with files and folders, by field."""
    batch: int = 0
    fetches: tuple[str, ...] = ()
    """What is not on this machine: `model`, `data`."""

    def row(self, glyphs: Glyphs, width: int, noticed: Row | None = None) -> Row:
        """As much of it as fits into one line, what matters most first; `noticed` is what the check found."""
        found = self.outlook
        if found is None and "data" not in self.fetches:
            return Row("looking at the data", "dim")
        parts = [Row(f"{glyphs.status['succeeded']} ready", "bold ok")]
        if noticed is not None and noticed.width:
            parts[0].add(f" {glyphs.dot} ", "dim").join(noticed)
        if found is not None:
            parts += self._figures(found)
        if self.fetches:
            parts.append(Row(f"fetches the {' and the '.join(self.fetches)} first", "warn"))
        if found is not None and found.held:
            parts.append(Row(f"{found.held:,} held out", "dim"))
        return fitting(parts, "   ", width)

    def _figures(self, found: Outlook) -> Iterator[Row]:
        rows = "plain text" if found.rows is None else f"{found.rows:,} rows"
        yield Row(rows if found.exact else f"more than {rows}")
        if found.steps is not None:
            few = found.steps < _FEW
            steps = Row(f"{found.steps:,} steps", "warn" if few else "text")
            yield steps.add(f" of {self.batch:,} rows", "dim").add(", which is few" if few else "", "warn")


class Lookup:
    """Looks, and remembers counts of files that have not changed since."""

    def __init__(self) -> None:
        self._counts: dict[tuple[object, ...], Counted] = {}

    def look(self, file: RecipeFile) -> Prospect:
        """What becomes of this recipe; never raises."""
        try:
            gone = list(missing_paths(file))
            recipe = file.resolved()
        except Problem as problem:
            return Prospect(slips={"data": _slip(problem)})
        slips = {name: _slip(problem) for name, problem in gone}
        found = None
        fetches = ["model"] if "model" not in slips and not _here(recipe.model) else []
        if "data" not in slips:
            try:
                found = outlook(recipe, self._count(recipe))
            except NotHere:
                fetches.append("data")
            except Problem as problem:
                slips["data"] = _slip(problem)
        return Prospect(found, slips, recipe.batch_rows, tuple(fetches))

    def _count(self, recipe: Recipe) -> Counted:
        sources = resolve(recipe.data_entries, folder=PLACED)
        stats = [source.path.stat() for source in sources.files]
        key = (
            *sources.files,
            recipe.data_format,
            recipe.paired,
            repr(recipe.mapping),
            recipe.bad_rows,
            recipe.seed,
            *((s.st_size, s.st_mtime_ns) for s in stats),
        )
        if key not in self._counts:
            self._counts[key] = counted(sources, recipe)
        return self._counts[key]


def _here(model: str) -> bool:
    from engine.hub.cache import snapshot

    return os.path.isdir(model) or snapshot(model) is not None


def _slip(problem: Problem) -> Slip:
    name, _, rest = problem.what.partition("`: ")
    what = rest if name.startswith("`") and rest else problem.what
    parts = (f"in {problem.where}:" if ":" in problem.where else "", problem.why, problem.do)
    return Slip(one_line(what).rstrip("."), " ".join(one_line(part) for part in parts if part))
