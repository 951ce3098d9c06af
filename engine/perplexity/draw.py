"""Draws rows from files of any size, each as likely as the others."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import NamedTuple

from engine.data.checks.seen import Seen


class Drawn(NamedTuple):
    """Some rows, in the order of the files."""

    rows: list[Seen]
    of: int
    """How many there are."""


def drawn(rows: Iterable[Seen], count: int, seed: int) -> Drawn:
    """`count` of the rows, all of them where they are no more (Vitter 1985, algorithm R)."""
    chance = random.Random(f"perplexity {seed}")
    kept: list[Seen] = []
    met = 0
    for met, row in enumerate(rows, 1):
        if met <= count:
            kept.append(row)
        elif (at := chance.randrange(met)) < count:
            kept[at] = row
    return Drawn(sorted(kept, key=lambda row: row.number), met)
