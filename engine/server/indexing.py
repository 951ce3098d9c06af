"""Brings the index up to date a slice at a time, so that the engine answers meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Final

from engine.problem import Problem
from engine.run_state import RunState
from engine.store import Store

_AT_ONCE: Final = 1 << 18
"""Bytes of events that are read on the spot: about 2,000 lines, which take about 10 ms."""
_SLICE: Final = 0.05
"""Seconds of reading between two looks at what front ends want."""


class Indexing:
    """Reads the runs whose events the index does not hold; one that is asked for comes first."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = root
        self._store = store
        self._stale: Iterator[str] = iter(())
        self._folders: tuple[float, ...] = ()
        self._reading: dict[str, Iterator[RunState]] = {}
        self._unreadable: set[str] = set()
        self._unlearned: Iterator[str] = iter(())
        self.busy = False
        """True while there is more to read."""

    def look(self) -> None:
        """See whether runs came or went: in the foreground, or copied by hand."""
        folders = tuple(_changed(self._root / name) for name in ("runs", "live"))
        if folders != self._folders:
            self._folders = folders
            self._stale = self._store.stale()
            self.busy = True

    def again(self) -> None:
        """Look at everything anew at the next look: the disk has room again."""
        self._folders = ()
        self._unreadable.clear()

    def learn(self) -> None:
        """Have the lessons written down that are missing, once all runs are read."""
        self._unlearned = iter(self._store.lessons.unlearned())
        self.busy = True

    def ready(self, run: str) -> bool:
        """True where the index holds the run's events, or nearly; else they are read before all others."""
        if run in self._unreadable or self._store.behind(run) <= _AT_ONCE:
            return True
        reading = self._reading.pop(run, None) or self._store.indexing(run)
        self._reading = {run: reading, **self._reading}
        self.busy = True
        return False

    def work(self, followed: Container[str]) -> list[str]:
        """Read for a twentieth of a second; returns the runs that were read to their end.

        Args:
            followed: runs that are read elsewhere.
        """
        done = []
        end = time.monotonic() + _SLICE
        while (run := self._next()) is not None and time.monotonic() < end:
            if run in followed:
                del self._reading[run]
            elif self._finished(run):
                del self._reading[run]
                done.append(run)
                if self._store.behind(run) > _AT_ONCE:
                    self._unreadable.add(run)  # what the disk has no room for is read on the spot
        self.busy = run is not None or self._learning(end)
        return done

    def _learning(self, end: float) -> bool:
        """Write lessons down until `end`; False once none is missing."""
        for run in self._unlearned:
            self._store.learn(run)
            if time.monotonic() > end:
                return True
        return False

    def _next(self) -> str | None:
        if not self._reading:
            stale = next(self._stale, None)
            if stale is None:
                return None
            self._reading[stale] = self._store.indexing(stale)
        return next(iter(self._reading))

    def _finished(self, run: str) -> bool:
        """Read one slice; True after the last."""
        try:
            return next(self._reading[run], None) is None
        except (Problem, OSError, ValueError):
            logging.exception("run %s cannot be indexed", run)
            self._unreadable.add(run)
            return True


def _changed(folder: Path) -> float:
    """When an entry came to a folder or left it; 0 while there is no folder."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
