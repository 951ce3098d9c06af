"""The app's end of a pre-flight: the recipe that is looked at, and what was found in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.findings import SEVERITIES, Finding
from engine.lessons.dismissals import standing_in
from engine.lessons.lesson import Lesson
from engine.preflight import talk
from engine.preflight.past import Past, past_of, remembered, warned
from engine.preflight.verdict import Verdict
from engine.recipe import RecipeFile
from openlora_tui.glyphs import SEVERITY_ROLE, Glyphs
from openlora_tui.session import Session, Talk
from openlora_tui.widgets.painted import Row

_FRESH: Final = 30.0
"""Seconds for which what past runs taught is not asked anew."""


class Preflighting:
    """One look after another over one side job, begun anew where it has gone; news call `changed`."""

    def __init__(self, session: Callable[[], Session], changed: Callable[[], None]) -> None:
        self.verdict: Verdict | None = None
        """Of the recipe as it is; None while that is not known."""
        self.done = False
        """True once the rows were looked at too."""
        self.problem: dict[str, str] | None = None
        """Why nothing can be found out."""
        self._past: Past | None = None
        self._recalled_at = -_FRESH
        self._told: Verdict | None = None
        """The verdict without what past runs say."""
        self._session = session
        self._changed = changed
        self._talk: Talk | None = None
        self._number = 0
        self._heard = False
        """True once the side job has answered at all."""

    def look(self, file: RecipeFile) -> None:
        """Look at the recipe as it is now."""
        self.forget()
        if time.monotonic() - self._recalled_at > _FRESH:
            self.recall()
        asked = talk.encode(talk.Look(number=self._number, text=file.text, path=str(file.path)))
        if self._talk is not None and self._talk.live:
            self._talk.tell(asked)
        else:
            self._heard = False
            self._talk = self._session().begin("preflight", asked, self._said, self._ended)

    def recall(self) -> None:
        """Ask anew what past runs taught, and read what was put aside."""
        self._recalled_at = time.monotonic()
        self._session().recall(self._recalled)

    def _recalled(self, lessons: list[Lesson]) -> None:
        welcome = self._session().welcome
        self._past = past_of(lessons, standing_in(Path(welcome.home)) if welcome is not None else ())
        if self._told is not None and self.verdict is not None:
            self.verdict = remembered(self._told, self._past)
            self._changed()

    @property
    def warned(self) -> list[Finding]:
        """What past runs say against the recipe."""
        return warned(self.findings)

    def forget(self) -> None:
        """The recipe is another now: what is known of it does not count."""
        self._number += 1
        self.verdict, self._told, self.done, self.problem = None, None, False, None

    def end(self) -> None:
        """Let the side job go."""
        if self._talk is not None:
            self._talk.end()
            self._talk = None

    @property
    def coming(self) -> bool:
        """True while a first word on the recipe as it is will come in a moment."""
        return self._heard and self.verdict is None and self._talk is not None and self._talk.live

    @property
    def findings(self) -> list[Finding]:
        """What is known, the gravest first."""
        return self.verdict.findings if self.verdict is not None else []

    @property
    def blockers(self) -> list[Finding]:
        """What would stop the run."""
        return self.verdict.blockers if self.verdict is not None else []

    def _said(self, body: bytes) -> None:
        told = talk.told(body)
        self._heard = True
        if told.number == self._number:
            self._told, self.done = told.verdict, told.done
            self.verdict = remembered(told.verdict, self._past) if self._past is not None else told.verdict
            self._changed()

    def _ended(self, problem: dict[str, str] | None) -> None:
        if problem is not None:
            self.problem = problem
            self._changed()


def counts(found: list[Finding], glyphs: Glyphs) -> Row:
    """How many of each severity, such as `2 warnings · 1 note`; empty for none."""
    row = Row()
    for severity in SEVERITIES:
        count = sum(finding.severity == severity for finding in found)
        if count:
            row.add(f" {glyphs.dot} " if row.width else "", "dim")
            row.add(f"{count} {severity}{'s' * (count > 1)}", SEVERITY_ROLE[severity])
    return row
