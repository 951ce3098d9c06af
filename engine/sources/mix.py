"""How often an epoch draws each row of an entry that has a weight."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from engine.sources.resolve import Sources

_BLOCK: Final = 10
"""Rows among which the draw is made even, so that a small file is drawn from in its share too."""


def times(weight: float, seed: int, entry: int) -> Iterator[int]:
    """How often each row is drawn, in the order of the rows, without an end; on average `weight`.

    Every row is drawn as often as the whole part says, and once more with the chance of the rest, which is
    even over any ten rows or so. Nothing of the rows has to be known, so a large file is read once.
    """
    whole, rest = divmod(weight, 1.0)
    chance = random.Random(f"mix {seed} {entry}")
    owed = chance.random()
    while True:
        owed += rest * _BLOCK
        wanted = int(owed)
        owed -= wanted
        for left in range(_BLOCK, 0, -1):
            drawn = chance.random() * left < wanted
            wanted -= drawn
            yield int(whole) + drawn


def draws_of(sources: Sources, seed: int) -> dict[int, Iterator[int]]:
    """`times` of each entry with a weight, by its number; its files are drawn from one after another."""
    weighted = {source.entry: source.weight for source in sources.files if source.weight != 1.0}
    return {entry: times(weight, seed, entry) for entry, weight in weighted.items()}
