"""A loss that fell, and has stopped falling while there is much of the run left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.findings import Severity
from engine.watch.point import Point, Sign
from engine.watch.recent import Thinned

_POINTS: Final = 300
"""Points before half of them tell a slope from noise."""
_EVERY: Final = 20
"""Points between two looks."""
_FAR: Final = 0.7
"""Share of the planned steps after which the end is near, and a schedule's last rates do what they do."""
_RATE: Final = 0.3
"""Share of the peak learning rate below which a loss stands still because the steps are small."""
_FELL: Final = 0.1
"""Share of the first level by which it has to have fallen; one that never fell is another rule's."""
_STILL: Final = 0.005
"""Share of its level by which a loss falls in half of the run so far, three standard errors added."""
_HARDLY: Final = 0.02
"""The same, one standard error added, where evaluations agree: they have far less noise than steps."""
_SURE: Final = 0.015
"""Share of the level that these may come to: noise that is larger hides a fall, and makes some up."""
_SIGMAS: Final = 3
_EVALS: Final = 4


class Plateau(msgspec.Struct):
    """The second half of the curve so far is level; a warning where the held-out loss agrees, else a note."""

    steps: int = 0
    """Planned steps of the run; 0 where they are not known, and then nothing is said."""
    losses: Thinned = msgspec.field(default_factory=Thinned)
    first_step: int = 0
    peak: float = 0.0
    evals: list[tuple[int, float]] = []
    told: str = ""
    """The gravest severity that was said."""

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        held_out, loss = point.eval_loss, point.finite_loss
        if held_out is not None and math.isfinite(held_out):
            self.evals = [*self.evals, (point.step, held_out)][-64:]
        if loss is None:
            return None
        if not self.losses.points:
            self.first_step = point.step
        self.losses.add(loss)
        self.peak = max(self.peak, point.lr or 0.0)
        if self.told == "warning" or self.losses.points % _EVERY or self.losses.points < _POINTS:
            return None
        near_end = point.step > _FAR * self.steps
        small = point.lr is None or point.lr < _RATE * self.peak or point.lr == 0
        return None if near_end or small else self._judged(point)

    def _judged(self, point: Point) -> Sign | None:
        means = self.losses.means[:-1]  # the last one is partly filled
        half = means[len(means) // 2 :]
        level = math.fsum(half) / len(half)
        if means[0] <= 0 or level > (1 - _FELL) * means[0]:
            return None
        since = self.first_step + (point.step - self.first_step) // 2
        before = [loss for step, loss in self.evals if step <= since]
        after = [loss for step, loss in self.evals if step > since]
        fall, error = _fall(half)
        if before and len(after) >= _EVALS:
            if min(after) < (1 - _STILL) * min(before) or fall + error > _HARDLY * level:
                return None
            agreed = f"held-out loss {min(before):.4g} before that, {min(after):.4g} at best since"
            self.told = "warning"
            return _sign(point, since, level, "warning", agreed)
        if self.told or _SIGMAS * error > _SURE * level or fall + _SIGMAS * error > _STILL * level:
            return None
        self.told = "note"
        return _sign(point, since, level, "note", "")


def _fall(values: Sequence[float]) -> tuple[float, float]:
    """By how much a straight line through `values` falls from first to last, and its standard error."""
    count = len(values)
    middle, mean = (count - 1) / 2, math.fsum(values) / count
    spread = math.fsum((at - middle) ** 2 for at in range(count))
    slope = math.fsum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread
    left = math.fsum((value - mean - slope * (at - middle)) ** 2 for at, value in enumerate(values))
    error = math.sqrt(left / max(count - 2, 1) / spread)
    return -(count - 1) * slope, (count - 1) * error


def _sign(point: Point, since: int, level: float, severity: Severity, agreed: str) -> Sign:
    evidence = [f"{level:.4g} on average since step {since:,}", f"the learning rate is {point.lr:.2g}"]
    return Sign(
        mechanism="plateau",
        category="loss_not_decreasing",
        severity=severity,
        step=point.step,
        onset=since,
        title=f"The loss has not fallen since about step {since:,}",
        evidence=[*evidence, agreed] if agreed else evidence,
        cause=(
            "What these rows teach at this rate is learnt; steps of this size move around the lowest place."
            if agreed
            else "What these rows teach at this rate may be learnt; the held-out loss would tell."
        ),
        remedy="Lower the learning rate to a third, or stop here, as early_stopping_patience does by itself.",
        confidence=0.7 if agreed else 0.5,
    )
