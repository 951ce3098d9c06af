"""What past runs say of settings that were not tried: a Gaussian process over what they missed.

Its mean is what is published, so that without runs it says nothing else. Each dataset has a level of its own,
which is taken out: runs are compared with others on the same rows alone. What is learnt of settings is shared
by all datasets and, to a smaller part, each one's own; a run that is less alike counts as less certain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

Point = tuple[float, ...]
"""A setting, each number in units in which 1 is a change that matters."""

_SHARED: Final = 0.3**2
"""Variance of what is missed by settings, as far as datasets agree."""
_OWN: Final = 0.15**2
"""The same, of one dataset beyond that."""
_LEVEL: Final = 0.5**2
"""Variance of a dataset's own level, once its mean is taken out."""
_NOISE: Final = 0.03**2
"""Of a run by its seed and its few held-out rows alone."""
_UNLIKE: Final = 0.5
"""Standard deviation that a run has which is not alike at all."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How one past run ended."""

    run: str
    group: str
    """Runs of one group have the same held-out rows, read the same way."""
    point: Point
    missed: float
    """Share of what could be gained on the held-out loss that it missed: 0 for the best of its group."""
    likeness: float


class Surrogate:
    """The share of the possible gain that settings are expected to miss, up to the dataset's level.

    Args:
        seen: past runs, some hundred at most: the cost grows with their cube.
        prior: what is published, as the share that is missed by leaving it.
        group: of the dataset to advise on; one that no run has had is a new one.
    """

    def __init__(self, seen: Sequence[Seen], prior: Callable[[Point], float], group: str = "") -> None:
        self._seen, self._prior, self._group = seen, prior, group
        sums: dict[str, list[float]] = {}
        for one in seen:
            sums.setdefault(one.group, []).append(one.missed - prior(one.point))
        levels = {name: sum(rest) / len(rest) for name, rest in sums.items()}
        self._factor = _cholesky(
            [[self._covariance(a, b) for b in seen[: i + 1]] for i, a in enumerate(seen)]
        )
        rest = [one.missed - prior(one.point) - levels[one.group] for one in seen]
        self._weights = _backward(self._factor, _forward(self._factor, rest))

    def mean(self, point: Point) -> float:
        """What is missed, comparable between points alone."""
        drawn = sum(w * k for w, k in zip(self._weights, self._towards(point), strict=True))
        return self._prior(point) + drawn

    @property
    def runs(self) -> int:
        """How many runs it knows."""
        return len(self._seen)

    def voices(self, one: Point, other: Point) -> list[Seen]:
        """The runs that speak for one point against another, the loudest first."""
        gap = zip(self._weights, self._towards(other), self._towards(one), strict=True)
        loud = [(weight * (b - a), run) for (weight, b, a), run in zip(gap, self._seen, strict=True)]
        return [run for share, run in sorted(loud, key=lambda pair: -pair[0]) if share > 0]

    def doubt(self, one: Point, other: Point) -> float:
        """The standard deviation of the difference of two points."""
        return math.sqrt(max(self._before(one, other) - self._learnt(one, other), 0.0))

    def known(self, one: Point, other: Point) -> float:
        """How much of the difference of two points is known, 0 to 1."""
        before = self._before(one, other)
        return min(self._learnt(one, other) / before, 1.0) if before > 1e-9 else 0.0

    def _before(self, one: Point, other: Point) -> float:
        """The variance of their difference without any run."""
        return 2 * (_SHARED + _OWN) * (1 - _near(one, other))

    def _learnt(self, one: Point, other: Point) -> float:
        """By how much the runs have made it less."""
        gap = [x - y for x, y in zip(self._towards(one), self._towards(other), strict=True)]
        return sum(x * x for x in _forward(self._factor, gap))

    def _towards(self, point: Point) -> list[float]:
        return [_near(point, one.point) * (_SHARED + _OWN * (one.group == self._group)) for one in self._seen]

    def _covariance(self, one: Seen, other: Seen) -> float:
        near = _near(one.point, other.point)
        if one.group != other.group:
            return _SHARED * near
        own = (_SHARED + _OWN) * near + _LEVEL
        if one is not other:
            return own
        return own + _NOISE + (_UNLIKE * (1 - one.likeness)) ** 2


def _near(one: Point, other: Point) -> float:
    return math.exp(-0.5 * sum((a - b) ** 2 for a, b in zip(one, other, strict=True)))


def _cholesky(lower: list[list[float]]) -> list[list[float]]:
    """The factor of a positive definite matrix that is given by its lower triangle."""
    factor: list[list[float]] = []
    for i, row in enumerate(lower):
        made: list[float] = []
        for j in range(i + 1):
            over = factor[j] if j < i else made
            rest = row[j] - sum(a * b for a, b in zip(made[:j], over[:j], strict=True))
            made.append(rest / over[j] if j < i else math.sqrt(max(rest, 1e-12)))
        factor.append(made)
    return factor


def _forward(factor: list[list[float]], right: Sequence[float]) -> list[float]:
    found: list[float] = []
    for row, value in zip(factor, right, strict=True):
        found.append((value - sum(a * b for a, b in zip(row, found, strict=False))) / row[-1])
    return found


def _backward(factor: list[list[float]], right: Sequence[float]) -> list[float]:
    found = list(right)
    for i in range(len(factor) - 1, -1, -1):
        found[i] /= factor[i][i]
        for j in range(i):
            found[j] -= factor[i][j] * found[i]
    return found
