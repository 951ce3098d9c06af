"""What a recipe's `devices` asks for."""

from __future__ import annotations

import re
from typing import Final

import msgspec

AUTO: Final = "auto"
CPU: Final = "cpu"
MOST: Final = 4096
"""Ranks on one machine; far more than any has."""
_RANKS: Final = re.compile(r"cpu:(\d{1,4})")
_CARDS: Final = re.compile(r"(?:cuda:)?(\d{1,4}(?:,\d{1,4})+)|cuda:(\d{1,4})")
_ONE: Final = re.compile(r"(?:cuda:)?(\d{1,4}(?::\d{1,2})?)|(GPU-[0-9A-Za-z-]+)|(MIG-[0-9A-Za-z/-]+)")


class Asked(msgspec.Struct, frozen=True):
    """So many devices, of these or of any.

    Attributes:
        count: one rank each.
        names: the cards, by number, by `card:instance` of a MIG card, or by the beginning of a UUID.
        cpu: ranks on the CPU.
        auto: the CPU will do where there is no card.
    """

    count: int = 1
    names: tuple[str, ...] = ()
    cpu: bool = False
    auto: bool = False


def asked(devices: str | int | list[int | str]) -> Asked:
    """What `devices` says: a list names cards, a whole number counts them.

    Raises:
        ValueError: why it says nothing, and what to write.
    """
    if isinstance(devices, list):
        return _named([str(each).strip() for each in devices])
    word = str(devices).strip()
    lower = word.lower()
    if lower == AUTO:
        return Asked(auto=True)
    if lower == CPU:
        return Asked(cpu=True)
    if found := _RANKS.fullmatch(lower):
        return Asked(count=_counted(int(found[1])), cpu=True)
    if re.fullmatch(r"[+-]?\d{1,9}", word):
        return Asked(count=_counted(int(word)))
    if found := _CARDS.fullmatch(lower):
        return _named((found[1] or found[2]).split(","))
    return _named([word])


def _counted(count: int) -> int:
    if count == 0:
        raise ValueError("0 devices compute nothing", "Write [0] for the card 0, 1 for any one card, or cpu.")
    if not 0 < count <= MOST:
        raise ValueError(f"{count} is no number of devices", f"Write 1 to {MOST:,}, or auto.")
    return count


def _named(names: list[str]) -> Asked:
    found = [_ONE.fullmatch(name) for name in names]
    if not names or not all(found):
        odd = next((name for name, match in zip(names, found, strict=True) if not match), "")
        raise ValueError(
            f"{odd[:60]!r} names no device",
            "Write auto, cpu, a number of cards, or a list of cards such as [0, 1] or [GPU-8f3a].",
        )
    plain = tuple(next(filter(None, match.groups())) for match in found if match)
    if len(set(plain)) < len(plain):
        raise ValueError("a card is named twice", "Name each card once.")
    return Asked(count=len(plain), names=plain)
