"""The engine's one loop: take messages, follow runs, bury dead workers, start waiting ones, remember."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import __version__
from engine import messages as m
from engine.bus import ENGINE, Mailboxes
from engine.problem import Problem
from engine.run_dir import live_runs, sweep_deleted
from engine.server.desk import Desk
from engine.server.floor import Floor
from engine.server.fronts import Fronts
from engine.server.sides import Sides
from engine.server.workers import Workers
from engine.store import Store
from engine.store.row import row_of
from engine.telemetry.machine import measure

_BUSY: Final = 0.1
_IDLE: Final = 0.2
_PAUSE: Final = 0.01
_GRACE: Final = 5.0
_SECOND: Final = 1.0
_FAILURES: Final = 20
"""Ticks that may fail in a row, of a full disk say, before the engine gives up."""
_MEASURE: Final = 2.0


class Engine:
    """Serves one home until nothing runs and nobody is attached."""

    def __init__(self, root: Path, boxes: Mailboxes, *, stay: bool = False) -> None:
        self._root = root
        self._boxes = boxes
        self._stay = stay
        self._leaving = False
        sweep_deleted(root)
        self._store = Store(root)
        self._fronts = Fronts(boxes)
        workers = Workers(root, boxes)
        self._sides = Sides(root, boxes, self._fronts, workers)
        self._floor = Floor(root, boxes, self._store, self._fronts, workers, self._sides)
        self._desk = Desk(root, boxes, self._store, self._fronts, self._floor, self._sides)
        self._stale: Iterator[str] = iter(())
        self._folders: tuple[float, ...] = ()
        self._next_look = 0.0
        self._next_measure = 0.0

    def run(self) -> None:
        """Work until it is time to leave."""
        failures = 0
        while not self._leaving:
            try:
                self._tick()
                failures = 0
            except Exception:
                failures += 1
                if failures > _FAILURES:
                    raise
                logging.exception("a tick failed")
            self._boxes.wait(_BUSY if len(self._fronts) or self._floor.busy else _IDLE)
            # One tick for all that comes at nearly the same moment.
            time.sleep(_PAUSE)

    def leave(self) -> None:
        """End the loop; workers go on."""
        self._leaving = True

    def close(self) -> None:
        """Write what is known and let go of everything but the runs' workers."""
        self._sides.close()
        self._floor.close()
        self._store.close()

    def _tick(self) -> None:
        for data in self._boxes.take(ENGINE):
            self._hear(data)
        self._floor.follow()
        self._sides.follow()
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _SECOND
        self._look()

    def _hear(self, data: bytes) -> None:
        message = m.to_engine(data)
        match message:
            case None:
                logging.warning("a message of no known kind (%d bytes)", len(data))
            case m.Leave():
                self._leaving = True
            case m.Hello():
                self._welcome(message)
            case m.Said() | m.Ended():
                self._sides.pass_on(message)
            case _:
                self._desk.answer(message)

    def _welcome(self, message: m.Hello) -> None:
        self._fronts.hello(message)
        logging.info("%s attached (version %s)", message.front, message.version)
        welcome = m.Welcome(
            pid=os.getpid(), version=__version__, home=str(self._root), notes=self._store.notes
        )
        self._fronts.send([message.front], welcome)
        if message.app:
            self._desk.send_runs(message.front)
            self._next_measure = 0.0

    def _look(self) -> None:
        """What need not happen at every tick."""
        self._index_stale()
        for run in live_runs(self._root):
            self._floor.meet(run)
        self._floor.tidy()
        self._fronts.drop_silent()
        for front in self._fronts.overflowed():
            self._desk.catch_up(front)
        self._measure()
        alone = time.monotonic() - self._fronts.alone_since > _GRACE
        if alone and not len(self._fronts) and not self._floor.busy and not self._stay:
            self._leaving = True

    def _index_stale(self) -> None:
        """Index what others wrote (runs in the foreground, copied runs), a little at a time."""
        folders = tuple(_changed(self._root / name) for name in ("runs", "live"))
        if folders != self._folders:
            self._folders = folders
            self._stale = self._store.stale()
        end = time.monotonic() + _BUSY
        while time.monotonic() < end:
            run = next(self._stale, None)
            if run is None:
                return
            if self._floor.get(run) is not None:
                continue
            try:
                row = row_of(self._store.index(run))
                self._fronts.send_apps(m.Runs(rows=[row]))
            except (Problem, OSError, ValueError):
                logging.exception("run %s cannot be indexed", run)

    def _measure(self) -> None:
        now = time.monotonic()
        if not self._fronts.apps or now < self._next_measure:
            return
        self._next_measure = now + _MEASURE
        self._fronts.send_apps(m.Measured(machine=measure(self._root)))


def _changed(folder: Path) -> float:
    """When an entry came to a folder or left it; 0 while there is no folder."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
