"""Who has which device at this moment, and which of them the next job in the queue gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from engine.leases.asked import CPU, Asked
from engine.leases.cards import Lease, device_of, devices_in
from engine.leases.locks import Locks
from engine.messages import Gpu
from engine.text import amount

_SPARE: Final = 1.1
"""A prediction is to fit with a tenth to spare, because neighbours' memory is in pieces."""
_WHOLE: Final = 0.9
"""Of a card, what a job that needs more than that is to find free: it will never find more."""
_HALF: Final = 0.5
"""Of a card, what a job of unknown size is to find free."""


class Waits(msgspec.Struct, frozen=True):
    """A job gets nothing now: the device that keeps it, and why, in words such as `which run 3 holds`."""

    reason: str


class _Hold(msgspec.Struct, frozen=True):
    words: str
    need: int | None


class Standing:
    """Devices that are held by jobs, and claimed by those that wait before the one that asks."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._holds: dict[str, list[_Hold]] = {}
        self._claims: dict[str, str] = {}

    def hold(self, lease: str, words: str, need: int | None = None) -> None:
        """The lease of that name is held, in `words`; of each of its cards `need` bytes, where known."""
        for device in devices_in(lease):
            self._holds.setdefault(device, []).append(_Hold(words, need))

    def idle(self, cards: Sequence[Gpu]) -> Lease:
        """A card that nobody holds, else the CPU: for a job that waits for nothing."""
        for card in cards:
            if not self._kept(card, None, alone=True) and self._locks.take(card.uuid):
                return Lease(cards=(card,))
        return Lease()

    def grant(self, wanted: Asked, cards: Sequence[Gpu], need: int | None, name: str) -> Lease | Waits:
        """What a job gets of `cards` (of the CPU where there are none), or why it waits.

        Args:
            need: bytes of each card that the job will hold, None where that is not known.
            name: the job for people; where it waits, those behind it wait for it.
        """
        if not cards:
            return self._cpu(wanted, name)
        alone = wanted.count > 1
        kept = {device_of(card): self._kept(card, need, alone=alone) for card in cards}
        free = sorted((card for card in cards if not kept[device_of(card)]), key=self._neighbours)
        got: list[Gpu] = []
        for card in free:
            if len(got) < wanted.count and self._locks.take(card.uuid):
                got.append(card)
            elif len(got) < wanted.count:
                kept[device_of(card)] = self._locks.holder(card.uuid)
        if len(got) == wanted.count:
            lease = Lease(cards=tuple(got), ranks=wanted.count)
            self.hold(lease.name, f"which {name} holds", need)
            return lease
        return self._waits(wanted, [device_of(card) for card in cards], kept, name)

    def _cpu(self, wanted: Asked, name: str) -> Lease | Waits:
        kept = self._claims.get(CPU) or next((hold.words for hold in self._holds.get(CPU, [])), "")
        if kept:
            self._claims[CPU] = f"after {name}"
            return Waits(f"waits for {CPU}, {kept}")
        lease = Lease(ranks=wanted.count if wanted.cpu else 1)
        self.hold(lease.name, f"which {name} holds")
        return lease

    def _waits(self, wanted: Asked, devices: list[str], kept: dict[str, str], name: str) -> Waits:
        """Claim as many as it wants, free ones first, so that what comes behind does not starve it."""
        claimed = sorted(devices, key=lambda device: bool(kept[device]))[: wanted.count]
        for device in claimed:
            self._claims[device] = f"after {name}"
        lacking = [device for device in claimed if kept[device]]
        named = "; ".join(f"{device}, {kept[device]}" for device in lacking[:2])
        more = f"; and {len(lacking) - 2} more" if len(lacking) > 2 else ""
        if wanted.count == 1:
            return Waits(f"waits for {named}")
        return Waits(f"waits for {len(lacking)} of {wanted.count} cards: {named}{more}")

    def _neighbours(self, card: Gpu) -> int:
        return len(self._holds.get(device_of(card), []))

    def _kept(self, card: Gpu, need: int | None, *, alone: bool) -> str:
        """What keeps the card from a job, in words; empty where nothing does."""
        device = device_of(card)
        holds = self._holds.get(device, [])
        if device in self._claims:
            return self._claims[device]
        if holds and (alone or not _beside(card, holds, need)):
            return holds[0].words
        if not holds and card.total - card.used < _least(card, need):
            return f"of which other programs hold {amount(card.used)} of {amount(card.total)}"
        return ""


def _beside(card: Gpu, holds: list[_Hold], need: int | None) -> bool:
    """True where the card's jobs and one more fit together, as far as all of them are known."""
    known = [hold.need for hold in holds if hold.need is not None]
    if need is None or len(known) < len(holds):
        return False
    taken = max(card.used, sum(known))  # they may not have reached their peaks yet
    return (card.total - taken) >= need * _SPARE


def _least(card: Gpu, need: int | None) -> float:
    return card.total * _HALF if need is None else min(need * _SPARE, card.total * _WHOLE)
