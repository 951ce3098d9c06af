"""The app's end of a recommendation: what past runs taught goes in, values with their reasons come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine.lessons.lesson import Lesson
from engine.recipe import RecipeFile
from engine.recommend import talk
from engine.recommend.values import Recommendation
from openlora_tui.session import Session, Talk

_NEWEST: Final = 300
"""Past runs that are taken along."""


class Recommending:
    """One wish at a time over a side job; news call `changed`."""

    def __init__(self, session: Callable[[], Session]) -> None:
        self.found: Recommendation | None = None
        self.share = 0.0
        """How much of the rows was looked at, 0 to 1."""
        self.problem: dict[str, str] | None = None
        """Why there is none."""
        self.changed: Callable[[], None] = _nothing
        self._session = session
        self._talk: Talk | None = None
        self._number = 0

    @property
    def coming(self) -> bool:
        """True until there is an answer."""
        return self.found is None and self.problem is None

    def look(self, file: RecipeFile) -> None:
        """Recommend for the recipe as it is now; what was known of another is forgotten."""
        self.end()
        self.found, self.share, self.problem = None, 0.0, None
        self._number += 1
        number = self._number
        self._session().recall(lambda lessons: self._begin(number, file, lessons))

    def end(self) -> None:
        """Let the side job go, or never begin it where the lessons are still waited for."""
        self._number += 1
        if self._talk is not None:
            self._talk.end()
            self._talk = None

    def _begin(self, number: int, file: RecipeFile, lessons: list[Lesson]) -> None:
        if number != self._number:
            return
        usable = [lesson for lesson in lessons if lesson.recipe][:_NEWEST]
        ask = talk.Ask(text=file.text, path=str(file.path), lessons=usable)
        self._talk = self._session().begin("recommend", talk.encode(ask), self._said, self._ended)

    def _said(self, body: bytes) -> None:
        told = talk.told(body)
        self.share, self.found = told.share, told.found
        self.changed()

    def _ended(self, problem: dict[str, str] | None) -> None:
        self._talk = None
        if self.found is None:
            self.problem = problem or {"what": "The look at the data ended early.", "do": "Try again."}
        self.changed()


def _nothing() -> None:
    return
