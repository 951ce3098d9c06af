"""Orders that come while the loop works: looked for between micro-batches, never waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec

from engine import events as ev
from engine.job import Orders
from engine.room import Need, finding, fits, sentence
from engine.train.journal import Journal
from engine.train.machine import Machine

_PAUSE_POLL: Final = 0.05
"""Seconds between two looks for orders in a pause."""
_LOOK: Final = 1.0
"""Seconds between two looks whether a full disk has room again."""
_EVENTS: Final = 1 << 16
"""Bytes that a run's events are to have before they are said to have room."""


class LeftEarly(Exception):
    """A stop was asked for before there was anything to save."""


class Listener:
    """What has been asked of the loop so far.

    Attributes:
        leaving: `stop` or `interrupt` once one was asked for.
        save: a checkpoint was asked for and is not written yet; one asked for in a pause ends the pause
            until it is written, because it can only be written between two steps.
        rate: another learning rate that was asked for, until it is taken.
        unwilling: true once whoever wants to leave will not wait for a full disk any more.
    """

    def __init__(self, orders: Orders, journal: Journal) -> None:
        self._orders = orders
        self._journal = journal
        self._paused = 0.0
        self.leaving: Literal["stop", "interrupt"] | None = None
        self.save = False
        self.rate: float | None = None
        self.unwilling = False
        self._pause_again = False

    def listen(self) -> None:
        """Take every order that has come; a pause returns only when it is over."""
        while self.leaving is None and (order := self._orders.next()) is not None:
            match order:
                case ("pause", _):
                    self._pause()
                case (("stop" | "interrupt") as word, by):
                    self._leave(word, by)
                case ("save", _):
                    self.save = True
                case ("rate", rate):
                    self.rate = float(rate)
                case ("continue", _):
                    self._pause_again = False
                case ("wait", folder):
                    need = Need(what="the run's events", bytes=_EVENTS, folder=Path(folder))
                    self.hold(need, None, partial(fits, need), Path(folder))

    def hold(
        self, need: Need, error: OSError | None, over: Callable[[], bool], run: Path, seconds: float = 0.0
    ) -> bool:
        """Pause and say what to free until `need` has room; False where someone leaves without waiting.

        Args:
            need: what is to be written.
            error: how the disk refused it, if it was tried.
            over: whether it has room, asked about once a second, and at once after an order to go on.
            run: the run's folder.
            seconds: that pass at least.
        """
        if self.unwilling:
            return False
        journal = self._journal
        found = finding(need, error, run, journal.step or None)
        journal.found(found)
        journal(ev.Paused(step=journal.step, reason=sentence(need, error)))
        began = time.monotonic()
        leaving = self._until(over, began + seconds)
        waited = time.monotonic() - began
        self._paused += waited
        journal(ev.Continued(step=journal.step, seconds=waited))
        if leaving:
            self.unwilling = True
            self._leave(*leaving)
            return False
        told = f"The run waited {waited:,.0f} s until there was room."
        journal.found(msgspec.structs.replace(found, severity="note", cause=told, remedy=""))
        return True

    def _until(
        self, over: Callable[[], bool], earliest: float
    ) -> tuple[Literal["stop", "interrupt"], str] | None:
        """Wait until there is room; the order that ends it before, or None."""
        look, short = earliest, False
        while True:
            match self._orders.next():
                case (("stop" | "interrupt") as word, by):
                    return word, by
                case ("wait", _):
                    short = True
                case ("rate", rate):
                    self.rate = float(rate)
                case (("continue" | "save") as word, _):
                    look = 0.0
                    self.save |= word == "save"
                case _:
                    short = False
            if time.monotonic() >= look and not short:
                if over():
                    return None
                look = time.monotonic() + _LOOK
            time.sleep(_PAUSE_POLL)

    def saved(self) -> None:
        """The checkpoint that was asked for is written; a pause that waited for it goes on."""
        self.save = False
        if self._pause_again and self.leaving is None:
            self._pause_again = False
            self._pause()

    def agree(self, machine: Machine) -> None:
        """Make every rank want what rank 0 wants; free where there is one rank."""
        if machine.world == 1:
            return
        words: tuple[Literal["stop", "interrupt"] | None, ...] = (None, "stop", "interrupt")
        leaving, save, rate = machine.told([words.index(self.leaving), int(self.save), self.rate or 0.0])
        self.leaving, self.save, self.rate = words[int(leaving)], bool(save), rate or None

    def taken(self) -> float:
        """Seconds spent in pauses since the last call."""
        paused, self._paused = self._paused, 0.0
        return paused

    def _pause(self) -> None:
        self._journal(ev.Paused(step=self._journal.step))
        began = time.monotonic()
        ending: tuple[Literal["stop", "interrupt"], str] | None = None
        while True:
            order = self._orders.next()
            if order is None:
                time.sleep(_PAUSE_POLL)
                continue
            word, by = order
            if word == "rate":
                self.rate = float(by)
                continue
            if word == "wait":
                time.sleep(_PAUSE_POLL)
                continue
            if word == "save":
                self.save = self._pause_again = True
                break
            if word == "continue":
                break
            if word != "pause":
                ending = (word, by)
                break
        seconds = time.monotonic() - began
        self._paused += seconds
        self._journal(ev.Continued(step=self._journal.step, seconds=seconds))
        if ending:
            self._leave(*ending)

    def _leave(self, word: Literal["stop", "interrupt"], by: str) -> None:
        self.leaving = word
        # A signal comes before the end of the machine's time or of a job's: waiting would lose the rest too.
        self.unwilling |= word == "interrupt"
        self._journal(ev.Stopping(step=self._journal.step, by=by, save=True))
