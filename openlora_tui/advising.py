"""What the advisor knows: the runs that were looked at, what they died of, and what past runs taught."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

from engine.findings import Finding
from engine.lessons.dismissals import About, Standing, is_dismissed, standing_in
from engine.lessons.lesson import Lesson
from engine.lessons.past import past_of
from engine.messages import RunRow
from engine.run_state import ENDED, RunState
from openlora_tui.advice import Advice, all_well, ordered
from openlora_tui.diagnosing import Autopsy, examined
from openlora_tui.session import Session

_Key = tuple[str, str, float]
_KEPT: Final = 16
"""Runs whose state is remembered; the one that was not looked at for longest goes first."""


class Advising:
    """Asks the engine and threads for what is not known yet, and calls `changed` when it has come.

    Args:
        session: what the app knows of the engine.
        spawn: runs a coroutine beside the app.
        changed: paints what is known.
    """

    def __init__(
        self,
        session: Session,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
    ) -> None:
        self.lessons: list[Lesson] = []
        """Of all runs that have ended, the newest first."""
        self.standing: list[Standing] = []
        """What was put aside for more than a run."""
        self._session = session
        self._spawn = spawn
        self._changed = changed
        self._states: OrderedDict[_Key, RunState] = OrderedDict()
        self._asked: set[_Key] = set()
        self._examined: dict[tuple[str, float], Autopsy | None] = {}
        self._recalled: frozenset[str] | None = None

    def of_run(self, row: RunRow | None) -> Advice:
        """What there is to say of a run; more follows where not all is known."""
        if row is None:
            return Advice(about="no run", well="There is no run to advise on yet.", sound=False)
        about = f"run {row.run}"
        state = self.state(row)
        if state is None:
            return Advice(about=about, looking="reading the run", run=row.run)
        self.recall()
        autopsy = self.autopsy(state)
        found = list(autopsy.findings if autopsy is not None else state.findings)
        subject = About(files=state.data, model=state.model, remarks=state.remarks)
        aside = self.aside(found, subject)
        well, sound = all_well(state)
        looking = "looking for the cause" if state.ended and autopsy is None else ""
        return Advice(
            about=about, findings=ordered(found, aside), aside=aside, looking=looking, well=well,
            sound=sound, run=row.run, subject=subject,
        )  # fmt: skip

    def state(self, row: RunRow) -> RunState | None:
        """The state of a run as far as it decides what is said; None while it is on its way."""
        session = self._session
        if row.run == session.watched:
            return session.state
        # A live run moves with every step; what is said of it changes with its findings.
        key = (row.run, row.status, row.findings if row.status not in ENDED else row.updated)
        if key in self._states:
            self._states.move_to_end(key)
            return self._states[key]
        if key not in self._asked:
            self._asked.add(key)
            session.glance(row.run, lambda state: self._came(key, state))
        return None

    def autopsy(self, state: RunState) -> Autopsy | None:
        """What a run that has ended died of; None while that is looked for, or while it has not ended."""
        if not state.ended:
            return None
        key = (state.run, state.outcome.t if state.outcome is not None else 0.0)
        if key not in self._examined:
            self._examined[key] = None
            self._spawn(self._examine(key, state))
        return self._examined[key]

    def aside(self, found: Sequence[Finding], about: About) -> list[Finding]:
        """Which of the findings were put aside, here or for all that is like this."""
        return [one for one in found if is_dismissed(one, about, self.standing) is not None]

    def look_again(self) -> None:
        """Read anew which findings were put aside for more than a run."""
        self._spawn(self._read_standing())

    async def _read_standing(self) -> None:
        if self._session.welcome is not None:
            self.standing = await asyncio.to_thread(standing_in, Path(self._session.welcome.home))
            self._changed()

    def past(self, finding: Finding, run: str) -> list[str]:
        """What past runs say of a finding."""
        return past_of(finding, self.lessons, without=run)

    def recall(self) -> None:
        """Ask for the lessons, once more after each end of a run."""
        ended = frozenset(row.run for row in self._session.rows.values() if row.status in ENDED)
        if ended != self._recalled:
            self._recalled = ended
            self._session.recall(self._remembered)
            self.look_again()

    def _remembered(self, lessons: list[Lesson]) -> None:
        self.lessons = lessons
        self._changed()

    def _came(self, key: _Key, state: RunState) -> None:
        self._asked.discard(key)
        self._states[key] = state
        while len(self._states) > _KEPT:
            self._states.popitem(last=False)
        self._changed()

    async def _examine(self, key: tuple[str, float], state: RunState) -> None:
        home = self._session.welcome.home if self._session.welcome is not None else ""
        self._examined[key] = await asyncio.to_thread(examined, state, home)
        self._changed()
