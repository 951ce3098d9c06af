"""Robust figures of the last values of a series, in little memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import msgspec

_TO_SIGMA: Final = 1.4826
"""Median absolute deviation to standard deviation, for normal noise."""
_BUCKETS: Final = 64


class Recent(msgspec.Struct):
    """The last `size` values."""

    size: int
    values: list[float] = []

    def add(self, value: float) -> None:
        """Take a value and forget the oldest."""
        self.values = [*self.values, value][-self.size :]

    def last(self, count: int) -> list[float]:
        """The newest `count` values, fewer where there are not so many."""
        return self.values[-count:]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def median(self) -> float:
        """Their median."""
        return median(self.values)

    @property
    def noise(self) -> float:
        """Standard deviation around a straight line, from neighbours, untouched by single outliers."""
        return noise(self.values)


def noise(values: Sequence[float]) -> float:
    """Standard deviation of `values` around a straight line, from the differences of neighbours."""
    steps = [b - a for a, b in pairwise(values)]
    if not steps:
        return 0.0
    drift = median(steps)
    return _TO_SIGMA * median(abs(step - drift) for step in steps) / math.sqrt(2)


class Thinned(msgspec.Struct):
    """The means of a series of any length, in at most 64 buckets of equal numbers of points."""

    every: int = 1
    sums: list[float] = []
    counts: list[int] = []

    def add(self, value: float) -> None:
        """Take a value."""
        if not self.counts or self.counts[-1] == self.every:
            if len(self.counts) == _BUCKETS:
                self._halve()
            self.sums, self.counts = [*self.sums, 0.0], [*self.counts, 0]
        self.sums[-1] += value
        self.counts[-1] += 1

    @property
    def points(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    @property
    def means(self) -> list[float]:
        """The mean of each bucket, the last one partly filled."""
        return [total / count for total, count in zip(self.sums, self.counts, strict=True)]

    def _halve(self) -> None:
        self.sums = [a + b for a, b in zip(self.sums[::2], self.sums[1::2], strict=True)]
        self.counts = [a + b for a, b in zip(self.counts[::2], self.counts[1::2], strict=True)]
        self.every *= 2
