"""Orders that come while the loop works: looked for between micro-batches, never waited for."""

from __future__ import annotations

import time
from typing import Final, Literal

import torch

from engine import events as ev
from engine.job import Orders
from engine.train.journal import Journal
from engine.train.machine import Machine

_PAUSE_POLL: Final = 0.05
"""Seconds between two looks for orders in a pause."""


class Listener:
    """What has been asked of the loop so far.

    Attributes:
        leaving: `stop` or `interrupt` once one was asked for.
        save: a checkpoint was asked for and is not written yet; one asked for in a pause ends the pause
            until it is written, because it can only be written between two steps.
        paused: seconds spent in pauses since `taken` was last called.
    """

    def __init__(self, orders: Orders, journal: Journal) -> None:
        self._orders = orders
        self._journal = journal
        self._paused = 0.0
        self.leaving: Literal["stop", "interrupt"] | None = None
        self.save = False
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
                case ("continue", _):
                    self._pause_again = False

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
        wanted = [words.index(self.leaving), int(self.save)] if machine.rank == 0 else [0, 0]
        agreed = machine.total(torch.tensor(wanted, device=machine.device)).tolist()
        self.leaving, self.save = words[int(agreed[0])], bool(agreed[1])

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
        self._journal(ev.Stopping(step=self._journal.step, by=by, save=True))
