"""A curve of any length in a fixed number of buckets, so that a chart costs the same at any step."""

from __future__ import annotations

from typing import Final

import msgspec

BUCKETS: Final = 2048
_REMEMBERED: Final = 8


class Held(msgspec.Struct):
    """The bucket that was open at a checkpoint, kept so that a resume can cut the curve exactly there."""

    x: int
    index: int
    low: float
    high: float
    last: float
    last_x: int


class Series(msgspec.Struct):
    """Minimum, maximum and last value in each of at most 2,048 buckets of equal width.

    A bucket `i` covers x in [i * width, (i + 1) * width). When an x falls beyond the last
    bucket, neighbours merge and the width doubles: spikes survive because minimum and maximum
    do. An empty bucket has a `last_x` of -1.
    """

    width: int = 1
    low: list[float] = []
    high: list[float] = []
    last: list[float] = []
    last_x: list[int] = []
    """The x of the last value of each bucket; -1 where the bucket is empty."""
    held: list[Held] = []

    def add(self, x: int, value: float) -> None:
        """Take one point; x must not be negative. Non-finite values are the caller's to leave out."""
        while x // self.width >= BUCKETS:
            self._double()
        index = x // self.width
        self._reach(index)
        if self.last_x[index] < 0:
            self.low[index] = self.high[index] = value
        else:
            self.low[index] = min(self.low[index], value)
            self.high[index] = max(self.high[index], value)
        self.last[index] = value
        self.last_x[index] = x

    def hold(self, x: int) -> None:
        """Remember the curve as it is at x, so that `cut(x)` can return to it."""
        index = len(self.low) - 1
        if index < 0 or not 0 <= self.last_x[index] <= x:
            return
        kept = [h for h in self.held if h.x != x][-(_REMEMBERED - 1) :]
        bucket = (self.low[index], self.high[index], self.last[index], self.last_x[index])
        self.held = [*kept, Held(x, index, *bucket)]

    def cut(self, x: int) -> None:
        """Drop every point after x.

        Exact where x was held; elsewhere the bucket that x shares with later points goes as a whole.
        """
        self.held = [h for h in self.held if h.x <= x]
        keep = sum(1 for i in range(len(self.low)) if i * self.width <= x)
        self._shorten(keep)
        held = self.held[-1] if self.held and self.held[-1].x == x else None
        if held is not None:
            self._shorten(held.index + 1)
            self._put(held)
        elif self.low and self.last_x[-1] > x:
            self._shorten(keep - 1)
        while self.last_x and self.last_x[-1] < 0:
            self._shorten(len(self.last_x) - 1)

    @property
    def empty(self) -> bool:
        """True before the first point."""
        return not self.low

    @property
    def latest(self) -> float | None:
        """The last value taken, or None."""
        for index in range(len(self.last) - 1, -1, -1):
            if self.last_x[index] >= 0:
                return self.last[index]
        return None

    @property
    def latest_x(self) -> int:
        """The x of the last value taken, or -1."""
        return max(self.last_x, default=-1)

    def points(self) -> list[tuple[int, float, float, float]]:
        """`(x, low, high, last)` of each bucket that holds something; x is that of its last value."""
        return [
            (self.last_x[i], self.low[i], self.high[i], self.last[i])
            for i in range(len(self.low))
            if self.last_x[i] >= 0
        ]

    def _reach(self, index: int) -> None:
        missing = index + 1 - len(self.low)
        if missing > 0:
            self.low.extend([0.0] * missing)
            self.high.extend([0.0] * missing)
            self.last.extend([0.0] * missing)
            self.last_x.extend([-1] * missing)

    def _shorten(self, length: int) -> None:
        for values in (self.low, self.high, self.last):
            del values[length:]
        del self.last_x[length:]

    def _put(self, held: Held) -> None:
        self._reach(held.index)
        self.low[held.index] = held.low
        self.high[held.index] = held.high
        self.last[held.index] = held.last
        self.last_x[held.index] = held.last_x

    def _double(self) -> None:
        for held in self.held:
            self._merge_left(held)
        old = self.low, self.high, self.last, self.last_x
        self.width *= 2
        self.low, self.high, self.last, self.last_x = [], [], [], []
        for index, (low, high, last, last_x) in enumerate(zip(*old, strict=True)):
            if last_x < 0:
                continue
            self._reach(index // 2)
            self._join(index // 2, low, high, last, last_x)

    def _join(self, index: int, low: float, high: float, last: float, last_x: int) -> None:
        if self.last_x[index] >= 0:
            low, high = min(low, self.low[index]), max(high, self.high[index])
        self.low[index], self.high[index] = low, high
        self.last[index], self.last_x[index] = last, last_x

    def _merge_left(self, held: Held) -> None:
        left = held.index - 1
        if held.index % 2 and self.last_x[left] >= 0:
            held.low = min(held.low, self.low[left])
            held.high = max(held.high, self.high[left])
        held.index //= 2
