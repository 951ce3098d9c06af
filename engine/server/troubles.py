"""What a full disk keeps the engine from doing: it is done later, and the front ends are told."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine import messages as m
from engine import room
from engine.server.fronts import Fronts
from engine.text import amount

_CALM: Final = 3.0
"""Seconds without a refusal after which the disk has room again: what was refused is tried each second."""


class Troubles:
    """A disk that is full ends nothing: what it refuses is tried again at the next tick."""

    def __init__(self, root: Path, fronts: Fronts) -> None:
        self._root = root
        self._fronts = fronts
        self._last = 0.0
        self.note = ""
        """What a person should know now; empty while the disk takes everything."""

    @contextmanager
    def borne(self) -> Iterator[None]:
        """Pass over what the disk refuses inside for want of room; everything else is raised."""
        try:
            yield
        except Exception as error:
            if not self.bear(error):
                raise

    def bear(self, error: Exception) -> bool:
        """True where `error` came of a full disk, which the front ends are told once."""
        refused = room.refusal(error)
        if refused is None:
            return False
        self._last = time.monotonic()
        if not self.note:
            left = room.free(self._root)
            free = "" if left is None else f" ({amount(left)} free)"
            said = (refused.strerror or "no space left").lower()
            self.note = (
                f"The disk that holds {self._root} takes no more{free}: {said}. "
                "Free some space; nothing is lost, and what waits goes on by itself."
            )
            logging.warning("%s", self.note, exc_info=error)
            self._tell(self.note)
        return True

    def over(self) -> bool:
        """True once, when the disk has taken everything for a while after it had refused something."""
        if not self.note or time.monotonic() - self._last < _CALM:
            return False
        self.note = ""
        logging.info("the disk has room again")
        self._tell("The disk has room again; what waited goes on.")
        return True

    def _tell(self, note: str) -> None:
        self._fronts.send(self._fronts.names, m.Noted(notes=[note]))
