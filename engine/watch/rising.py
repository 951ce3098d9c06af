"""A loss that leaps for a step, and one that rises for good."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from engine.watch.point import Point, Sign
from engine.watch.recent import Recent, noise

_WINDOW: Final = 50
_ENOUGH: Final = 20
"""Points before a leap can be told from noise."""
_LEAP: Final = 8.0
"""Standard deviations of the points before, and at least half as much again as their median."""
_HALF_AGAIN: Final = 1.5
_SHAKEN: Final = 5.0
"""Times the usual gradient norm, beside a leap of the loss."""
_EXPLODED: Final = 100.0
"""Times the usual gradient norm, for three points: clipping hides from the loss what this shows."""
_FEW: Final = 3
_MANY: Final = 20
_COVERED: Final = 10
_NEARLY_ALL: Final = 0.8
_FLOOR: Final = 1e-4
"""Below this, losses are equal: what is known by heart may double without meaning anything."""


class Spike(msgspec.Struct):
    """A single loss far above those before it, by their own noise; graver where the gradient leaps too."""

    recent: Recent = msgspec.field(default_factory=lambda: Recent(_WINDOW))
    """Logarithms of the losses: noise is a share of the loss."""
    norms: Recent = msgspec.field(default_factory=lambda: Recent(_WINDOW))

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        loss = point.finite_loss
        if loss is None:
            return None
        before, norm, sign = self.recent, point.grad_norm, None
        if len(before) >= _ENOUGH:
            usual, leap = before.median, math.log(max(loss, _FLOOR)) - before.median
            if leap > math.log(_HALF_AGAIN) and leap > _LEAP * (spread := before.noise):
                shaken = norm is not None and len(self.norms) > 0 and norm > _SHAKEN * self.norms.median
                sign = _spike(point, loss, math.exp(usual), spread, shaken=shaken)
        self.recent.add(math.log(max(loss, _FLOOR)))
        if norm is not None and math.isfinite(norm):
            self.norms.add(norm)
        return sign


class Exploding(msgspec.Struct):
    """Gradients a hundred times their usual length, three times in a row."""

    recent: Recent = msgspec.field(default_factory=lambda: Recent(_WINDOW))
    in_a_row: int = 0

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        norm = point.grad_norm
        if norm is None or not math.isfinite(norm):
            return None
        usual = self.recent.median if len(self.recent) >= _ENOUGH else 0.0
        if usual <= 0 or norm <= _EXPLODED * usual:
            self.in_a_row = 0
            self.recent.add(norm)
            return None
        self.in_a_row += 1
        if self.in_a_row != _FEW:
            return None
        return Sign(
            mechanism="exploding",
            category="loss_spike_divergence",
            severity="warning",
            step=point.step,
            onset=point.step - _FEW + 1,
            title=f"The gradient is {norm / usual:,.0f} times as long as usual",
            evidence=[f"{norm:.4g} at step {point.step:,}, {usual:.4g} before"],
            cause="The weights have come to a place where small changes matter much.",
            remedy="Lower learning_rate, or max_grad_norm.",
            confidence=0.8,
        )


class Diverged(msgspec.Struct):
    """The loss has risen for good: its mean lies half as much again above the lowest it has been.

    The mean is over a tenth of the points, 3 to 20, and the rise has to be beyond what the noise of that
    many windows brings about: of n, the highest is sqrt(2 ln n) standard deviations above the middle, and
    the lowest as far below it.
    """

    points: int = 0
    first_step: int = 0
    recent: Recent = msgspec.field(default_factory=lambda: Recent(2 * _WINDOW))
    """Logarithms of the losses."""
    lowest: float | None = None
    lowest_step: int = 0
    told: bool = False

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        loss = point.finite_loss
        if loss is None or loss < 0:
            return None
        self.points += 1
        self.first_step = point.step if self.points == 1 else self.first_step
        self.recent.add(math.log(max(loss, _FLOOR)))
        size = self._window(point.step)
        if len(self.recent) < size:
            return None
        last = self.recent.last(size)
        level = math.fsum(last) / len(last)
        if self.lowest is None or level <= self.lowest:
            self.lowest, self.lowest_step, self.told = level, point.step, False
            return None
        if self.told or self.points < 2 * size + 2:
            return None
        above = sum(value - self.lowest > math.log(_HALF_AGAIN) for value in last)
        if above < _NEARLY_ALL * size or level - self.lowest < self._beyond_noise(size):
            return None
        self.told = True
        return self._sign(point, math.exp(level), math.exp(self.lowest))

    def _window(self, step: int) -> int:
        """Points of a mean: more of them where each is a single step, and not the mean of many."""
        apart = (step - self.first_step) / max(self.points - 1, 1)
        least = min(max(math.ceil(_COVERED / max(apart, 1)), _FEW), _COVERED)
        return min(max(self.points // 10, least), _MANY)

    def _beyond_noise(self, size: int) -> float:
        windows = self.points / size
        deviations = 2 + 2 * math.sqrt(2 * math.log(windows))
        return max(math.log(_HALF_AGAIN), deviations * noise(self.recent.values) / math.sqrt(size))

    def _sign(self, point: Point, now: float, lowest: float) -> Sign:
        return Sign(
            mechanism="diverged",
            category="loss_spike_divergence",
            severity="blocker",
            step=point.step,
            onset=self.lowest_step,
            title=f"The loss rises for good: {now:.4g} after {lowest:.4g}",
            evidence=[
                f"mean of the last points {now:.4g} at step {point.step:,}",
                f"lowest such mean {lowest:.4g} at step {self.lowest_step:,}",
            ],
            cause="The learning rate is too high for these weights, or rows of another kind came.",
            remedy="Go on from a checkpoint before it rose, with a lower learning_rate or without its rows.",
            confidence=0.9,
        )


def _spike(point: Point, loss: float, usual: float, spread: float, *, shaken: bool) -> Sign:
    return Sign(
        mechanism="spike",
        category="loss_spike_divergence",
        severity="warning" if shaken else "note",
        step=point.step,
        onset=max(point.step - 1, 0),
        title="The loss leaps for a step",
        evidence=[f"step {point.step:,}: {loss:.4g}, after {usual:.4g} with a noise of {spread:.1%}"],
        cause="The rows of this step are unlike the others, or the step before spoilt the weights.",
        remedy="Read the rows; if the loss stays high, lower learning_rate.",
        confidence=0.7,
    )
