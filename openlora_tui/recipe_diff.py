"""What a patch makes of a recipe, line by line, and what each change means to a run that goes on."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

import msgspec

from engine.findings import Patch
from engine.recipe import RecipeFile, absolute_text, field_named, read
from engine.recipe.field import OnResume
from engine.recipe.resuming import changes, values
from engine.recipe.yaml import changed, parse
from engine.run_dir import RunDir

_AROUND: Final = 1
"""Lines of the recipe that stand around a change."""


class RecipeDiff(msgspec.Struct, frozen=True):
    """A recipe before and after a patch."""

    lines: list[tuple[str, str]]
    """(sign, line): `-` goes, `+` comes, a blank stays; `@` where lines are left out."""
    resume: OnResume
    """The worst that the changes mean to a run that goes on from a checkpoint."""
    means: list[tuple[str, OnResume]]
    """The same by field."""
    text: str
    """The recipe after it, its paths absolute where it is a run's."""

    @property
    def empty(self) -> bool:
        """True where the recipe says so already."""
        return not any(sign in "+-" for sign, _ in self.lines)


def of_run(home: str, run: str, patch: Patch) -> RecipeDiff:
    """The patch over the recipe of a run; reads a file; raises Problem or OSError."""
    return _diff(read(RunDir(Path(home), run).recipe), patch)


def of_text(text: str, path: Path, patch: Patch) -> RecipeDiff:
    """The patch over a recipe's text; raises Problem where that has mistakes."""
    return _diff(parse(text, path), patch)


def _diff(before: RecipeFile, patch: Patch) -> RecipeDiff:
    after = changed(before, patch.recipe)
    means = [(one.field.name, one.means) for one in changes(values(before.recipe), after.recipe)]
    rank: list[OnResume] = ["safe", "changes", "refused"]
    return RecipeDiff(
        lines=_lines(before.text, after.text),
        resume=max((worst for _, worst in means), key=rank.index, default="safe"),
        means=means,
        text=absolute_text(after),
    )


def _lines(before: str, after: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=_AROUND, lineterm=""))[
        2:
    ]:
        if line.startswith("@@"):
            found += [("@", "")] if found else []
        else:
            found.append((line[:1], line[1:]))
    return found


def helped(name: str) -> str:
    """What a field does, in a sentence; empty for none of ours."""
    field = field_named(name)
    return field.help if field is not None else ""
