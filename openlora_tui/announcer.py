"""Tells of runs where the app is not looked at: in the terminal's title, and by its bell when one ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from engine.messages import RunRow
from engine.run_state import ENDED
from engine.text import one_line

_QUIET: Final = 5.0
"""Seconds between two titles, so that a run costs next to no bytes."""
_NAME: Final = 40
# The terminal keeps the title that it had on a stack of its own (xterm's window operations 22 and 23).
_KEEP: Final = "\x1b[22;2t"
_GIVE_BACK: Final = "\x1b]2;\x1b\\\x1b[23;2t"
_WITHOUT: Final = frozenset({"linux", "dumb", ""})
"""TERMs that have no title, or print what was meant for it."""


class Announcer:
    """Compares the runs with those of before; writes nothing while nothing changes."""

    def __init__(
        self, write: Callable[[str], None], ring: Callable[[], None], *, term: str, dot: str
    ) -> None:
        self._write = write if term not in _WITHOUT else lambda text: None
        self._ring = ring
        self._dot = dot
        self._live: set[str] = set()
        self._ended = ""
        self._title = ""
        self._written = float("-inf")

    def hear(self, rows: Iterable[RunRow], watched: str, now: float) -> None:
        """Take in how the runs stand at `now` (seconds by any clock)."""
        known = {row.run: row for row in rows}
        live = {run for run, row in known.items() if row.status not in ENDED}
        for run in sorted(self._live - live):
            if run in known:
                self._ended = f"{one_line(known[run].name, _NAME)} {known[run].status}"
                self._ring()
        self._live = live
        title = self._said(known[watched if watched in live else min(live)] if live else None, len(live))
        if title != self._title and now - self._written >= _QUIET:
            self._write(f"{'' if self._title else _KEEP}\x1b]2;{title}\x1b\\")
            self._title, self._written = title, now

    def leave(self) -> None:
        """Give the title back."""
        if self._title:
            self._write(_GIVE_BACK)

    def _said(self, row: RunRow | None, live: int) -> str:
        if row is None:
            return f"OpenLoRA {self._dot} {self._ended}" if self._ended else "OpenLoRA"
        share = f" {100 * row.step // row.steps} %" if row.steps else ""
        more = f" (+{live - 1})" if live > 1 else ""
        return f"OpenLoRA {self._dot} {one_line(row.name, _NAME)}{share}{more}"
