"""What an answer may rest on: nothing that is not in here is ever said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.eaten.told import Eaten
from engine.findings import Category, Finding, Patch
from engine.lessons.lesson import Lesson
from engine.recipe.recipe import Recipe
from engine.run_state import RunState

_CITED: Final = re.compile(r"\[(\d{1,3})\]")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a question is asked; what is not known is empty."""

    state: RunState | None = None
    findings: list[Finding] = []
    """As the person sees them: `[1]` is the first."""
    lessons: list[Lesson] = []
    """Of past runs, the most alike first."""
    recipe: Recipe | None = None
    step: int | None = None
    """The step that the person points at."""
    eaten: Eaten | None = None
    """The rows of the step that the question is about."""

    def cite(self, *categories: Category) -> str:
        """The numbers of the findings of these categories, such as `[1][3]`; all of them without any."""
        numbers = [n for n, f in enumerate(self.findings, 1) if not categories or f.category in categories]
        return "".join(f"[{number}]" for number in numbers)

    def finding(self, number: int) -> Finding | None:
        """The finding of that number."""
        return self.findings[number - 1] if 0 < number <= len(self.findings) else None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    text: str
    cites: list[int] = []
    """The findings that it names, by number."""
    patch: Patch | None = None
    """A change that it speaks for; not yet checked against the recipe."""


def cites_in(text: str, findings: Sequence[Finding]) -> list[int]:
    """The numbers of findings that `text` names, each once, in order; unknown ones aside."""
    named = (int(number) for number in _CITED.findall(text))
    return list(dict.fromkeys(number for number in named if 0 < number <= len(findings)))
