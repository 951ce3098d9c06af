"""How far the terminal is behind, by its own answers: a slow line takes in seconds of pictures at once."""

from __future__ import annotations

import threading
from typing import Final

QUESTION: Final = "\x1b[5n"
"""Device status report: every terminal since the VT100 answers it, after all that came before."""
ANSWER: Final = "\x1b[0n"
_ASK: Final = 8 << 10
_AHEAD: Final = 16 << 10
"""Bytes on the way to the terminal beyond which nothing is painted: 0.8 s at 20 kB/s."""
PATIENCE: Final = 5.0
"""Seconds after which an answer is not waited for, nor the next one, until one comes."""


class Pace:
    """Counts what is on its way; a terminal that never answers counts as keeping up."""

    def __init__(self) -> None:
        self._on_the_way = 0
        self._after = 0
        """Of what is on its way, the part after the question."""
        self._asked: float | None = None
        self._answers = False
        self._quiet = threading.Event()

    def sends(self, count: int, now: float) -> bool:
        """Take in that `count` bytes go out at `now` (seconds by any clock); True where to ask after them."""
        self._on_the_way += count
        if self._asked is not None:
            self._after += count
            return False
        if self._on_the_way < _ASK:
            return False
        self._asked, self._after = now, 0
        self._quiet.clear()
        return True

    def answered(self) -> None:
        """All that came before the question is on the screen."""
        self._answers, self._asked = True, None
        self._on_the_way = self._after

    def heard(self) -> None:
        """An answer has come: `answered` follows in the loop. Called in the thread that reads."""
        self._quiet.set()

    def wait(self, seconds: float) -> None:
        """Wait for an answer that is on its way, so many seconds at most."""
        if self._asked is not None and self._answers:
            self._quiet.wait(seconds)

    def behind(self, now: float) -> bool:
        """True while more is on its way than a person should wait for."""
        if self._asked is None or not self._answers:
            return False
        if now - self._asked >= PATIENCE:
            self._answers = False
        return self._answers and self._on_the_way > _AHEAD
