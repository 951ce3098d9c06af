"""Holds rows out for evaluation."""

from __future__ import annotations

import random
from typing import Final

from engine.data.dataset import Dataset

_FEWEST: Final = 10
"""Below this many rows none is held out: a measure on one row would say less than the row teaches."""


def split(data: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset | None]:
    """Rows to train on, and `share` of them (at least one) drawn by `seed` to measure on.

    Both keep the order of the files. None is held out where `share` is 0 or rows are few.
    """
    count = len(data)
    held = held_out(count, share)
    if not held:
        return data, None
    # The text seed keeps this draw apart from others that start at the same number.
    chosen = set(random.Random(f"held out {seed}").sample(range(count), held))
    train = [data.index[i] for i in range(count) if i not in chosen]
    return Dataset(data.rows, train), Dataset(data.rows, [data.index[i] for i in sorted(chosen)])


def drawn(data: Dataset) -> Dataset:
    """The rows of `data`, each as often as an epoch draws it."""
    times = data.rows.times
    if all(times[row] == 1 for row in data.index):
        return data
    return Dataset(data.rows, [row for row in data.index for _ in range(times[row])])


def held_out(count: int, share: float) -> int:
    """How many of `count` rows are held out."""
    return min(max(round(count * share), 1), count - 1) if share > 0 and count >= _FEWEST else 0
