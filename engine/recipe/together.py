"""Fields that are right one by one and exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

Value = Callable[[str], Any]
"""The value of a field by its name."""


class Clash(msgspec.Struct, frozen=True):
    """Values that cannot be together."""

    field: str
    """The one that is told of."""
    why: str
    """Without a full stop, as a mistake in a single value is told."""
    do: str


def clashes(value: Value) -> Iterator[Clash]:
    """What in a recipe excludes each other, at most one clash for each field."""
    told = set()
    for rule in RULES:
        clash = rule(value)
        if clash is not None and clash.field not in told:
            told.add(clash.field)
            yield clash


def _two_widths(value: Value) -> Clash | None:
    if not (value("load_in_4bit") and value("load_in_8bit")):
        return None
    return Clash(
        "load_in_8bit", "load_in_4bit is on as well, and weights are held in one way", "Turn one off."
    )


def _nothing_lost(value: Value) -> Clash | None:
    if value("init_lora_weights") != "loftq" or value("load_in_4bit"):
        return None
    why = "loftq makes up for what a base in 4 bits has lost, and load_in_4bit is off"
    return Clash("init_lora_weights", why, "Set load_in_4bit: true, or take another start.")


RULES: Final[tuple[Callable[[Value], Clash | None], ...]] = (_two_widths, _nothing_lost)
"""Each says what it finds; the first to tell of a field is heard."""
