"""The devices of this machine: what holds them now, told from the runs and side jobs that are alive."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from engine.leases.asked import Asked
from engine.leases.cards import Lease, device_of, devices_in, offered, visible
from engine.leases.locks import Locks
from engine.leases.standing import Standing, Waits
from engine.messages import Begin, Gpu
from engine.server.live import LiveRun
from engine.server.sides import ON_CARD, Sides
from engine.telemetry.gpu import gpus

_LOOK: Final = 1.0
"""Seconds between two looks at what other programs hold of the cards."""


class Leases:
    """Gives jobs their devices; nothing is remembered but locks, so nothing has to be given back."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._locks = Locks()
        self._cards = gpus()
        self._looked = time.monotonic()
        self._held: set[str] = set()

    @property
    def cards(self) -> list[Gpu]:
        """The cards of this machine as they were a second ago at most, when something asked for one."""
        return self._cards

    def standing(self, runs: Iterable[LiveRun]) -> Standing:
        """Who holds what, for the jobs that ask now."""
        standing = Standing(self._locks)
        held: set[str] = set()
        # A worker of another machine has devices of that machine.
        for live in runs:
            if live.device is not None and not live.elsewhere:
                standing.hold(live.device, f"which run {live.run} holds", live.need)
                held.update(devices_in(live.device))
        for device, words in self._sides.held().items():
            standing.hold(device, words)
            held.add(device)
        self._look(held)
        self._hold_locks(held)
        return standing

    def grant(self, standing: Standing, live: LiveRun, wanted: Asked) -> Lease | Waits:
        """What the run gets now.

        Raises:
            Problem: what it asks for is not there.
        """
        cards = offered(wanted, live.context.env, self._cards)
        return standing.grant(wanted, cards, live.need, f"run {live.run}")

    def idle(self, standing: Standing, begin: Begin) -> Lease:
        """What a side job gets, which never waits: a card that nobody holds, else the CPU."""
        return standing.idle(visible(begin.context.env, self._cards) if begin.job in ON_CARD else [])

    def _look(self, held: set[str]) -> None:
        """Read the cards anew where that was a while ago, or where someone has just left one."""
        now = time.monotonic()
        if self._cards and (now - self._looked > _LOOK or self._held - held):
            self._cards, self._looked = gpus() or self._cards, now
        self._held = held

    def _hold_locks(self, held: set[str]) -> None:
        uuids = {card.uuid for card in self._cards if device_of(card) in held}
        self._locks.keep(uuids)
        for uuid in uuids:
            self._locks.share(uuid)  # those of workers that an engine before this one has started
