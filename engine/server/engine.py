"""The engine's one loop: take messages, follow runs, bury dead workers, start waiting ones, remember."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine import __version__
from engine import messages as m
from engine.bus import ENGINE, Mailboxes
from engine.run_dir import live_runs, sweep_deleted
from engine.server.address import Address
from engine.server.desk import Desk
from engine.server.floor import Floor
from engine.server.fronts import Fronts
from engine.server.indexing import Indexing
from engine.server.repairs import Repairs
from engine.server.sides import Sides
from engine.server.troubles import Troubles
from engine.server.turns import Turns
from engine.server.workers import Workers
from engine.store import Store
from engine.telemetry.machine import measure

_BUSY: Final = 0.1
_IDLE: Final = 0.2
_PAUSE: Final = 0.01
_GRACE: Final = 5.0
_SECOND: Final = 1.0
_FAILURES: Final = 20
"""Ticks that may fail in a row before the engine gives up; those that a full disk fails do not count."""
_MEASURE: Final = 2.0
_MANY: Final = 1024
"""Messages that are sorted by their sender at a time; more wait in the mailbox, and it in turn for room."""
_AWAY: Final = 3.0
"""Seconds without a look after which this process was stopped, and front ends could not be heard."""


class Engine:
    """Serves one home until nothing runs and nobody is attached."""

    def __init__(self, root: Path, boxes: Mailboxes, address: Address, *, stay: bool = False) -> None:
        self._root = root
        self._boxes = boxes
        self._address = address
        self._stay = stay
        self._leaving = False
        sweep_deleted(root)
        self._store = Store(root)
        self._fronts = Fronts(boxes)
        workers = Workers(root, boxes)
        self._troubles = Troubles(root, self._fronts)
        self._sides = Sides(root, boxes, self._fronts, workers)
        self._floor = Floor(root, boxes, self._store, self._fronts, workers, self._sides, self._troubles)
        self._indexing = Indexing(root, self._store)
        self._repairs = Repairs(root, self._store, self._floor)
        self._floor.ended = self._repairs.after
        self._desk = Desk(
            root, self._store, self._fronts, self._floor, self._sides, self._indexing, self._troubles,
            self._repairs,
        )  # fmt: skip
        self._turns = Turns()
        self._next_look = 0.0
        self._next_measure = 0.0

    def run(self) -> None:
        """Work until it is time to leave."""
        failures = 0
        with suppress(OSError):  # it comes again at the first tick, which can say it
            self._meet()  # before anyone is answered: the index may be older than what runs last wrote
        while not self._leaving:
            try:
                self._tick()
                failures = 0
            except Exception as error:
                if not self._troubles.bear(error):
                    failures += 1
                    if failures > _FAILURES:
                        raise
                    logging.exception("a tick failed")
            if not (self._indexing.busy or len(self._turns)):
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
        self._listen()
        self._floor.follow()
        self._sides.follow()
        for run in self._indexing.work(self._floor):
            row = self._store.row(run)
            self._fronts.send_apps(m.Runs(rows=[row] if row else []))
        now = time.monotonic()
        if now < self._next_look:
            return
        if now - self._next_look > _AWAY:
            self._fronts.forgive()
        self._next_look = now + _SECOND
        self._look()

    def _listen(self) -> None:
        """Do what front ends and side jobs ask for, for a little while; the rest waits for the next tick."""
        self._desk.answer_waiting()
        for data in self._boxes.take(ENGINE, max(_MANY - len(self._turns), 0)):
            self._turns.add(m.to_engine(data) or m.strange(data))
        end = time.monotonic() + _BUSY
        while time.monotonic() < end and (message := self._turns.next()) is not None:
            with self._troubles.borne():
                self._hear(message)

    def _hear(self, message: m.ToEngine | m.Strange) -> None:
        match message:
            case m.Strange():
                self._desk.refuse_strange(message)
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
            pid=os.getpid(),
            version=__version__,
            home=str(self._root),
            notes=[*self._store.notes, *filter(None, [self._troubles.note])],
            attached=len(self._fronts),
        )
        self._fronts.send([message.front], welcome)
        if message.app:
            self._desk.send_runs(message.front)
            self._next_measure = 0.0

    def _look(self) -> None:
        """What need not happen at every tick."""
        self._address.keep()
        if self._troubles.over():
            self._indexing.again()  # what the index could not take is in the run directories
        self._indexing.look()
        self._meet()
        self._floor.tidy()
        self._repairs.tend(self._floor.live)
        self._fronts.drop_silent()
        for front in self._fronts.overflowed():
            self._desk.catch_up(front)
        self._measure()
        alone = time.monotonic() - self._fronts.alone_since > _GRACE
        if alone and not len(self._fronts) and not self._floor.busy and not self._stay:
            self._leaving = True

    def _meet(self) -> None:
        for run in live_runs(self._root):
            self._floor.meet(run)

    def _measure(self) -> None:
        now = time.monotonic()
        if not self._fronts.apps or now < self._next_measure:
            return
        self._next_measure = now + _MEASURE
        self._fronts.send_apps(m.Measured(machine=measure(self._root)))
