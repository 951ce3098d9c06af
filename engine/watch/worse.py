"""A loss that stays above that of the first step, before which no weight had changed."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from engine.findings import Severity
from engine.watch.point import Point, Sign

_ABOVE: Final = 1.5
"""Times the first loss; of 38 healthy public curves none stays above it."""
_IN_A_ROW: Final = 20
_SURE: Final = 5
"""Losses in a row by which a run that is over is judged; fewer may be the rows' own."""
_ENOUGH: Final = 200
"""Label tokens from which the loss of one step says what the base model knows of such rows."""
_FLOOR: Final = 0.1
"""In nats: below it a loss begins by nature, as that of an advantage does."""


class Worse(msgspec.Struct):
    """Twenty losses in a row, each half as much again above the first: the model is worse than its base.

    A rise within the first steps escapes a rule that looks for the lowest mean, because there is none before.
    """

    first: float | None = None
    first_step: int = 0
    since: int = 0
    """Losses after the first."""
    in_a_row: int = 0
    last: float = 0.0
    last_step: int = 0

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        loss = point.finite_loss
        if loss is None:
            return None
        if self.first is None:
            few = point.label_tokens is not None and point.label_tokens < _ENOUGH
            self.first, self.first_step = 0.0 if few else loss, point.step
            return None
        above = self.first >= _FLOOR and loss > _ABOVE * self.first and math.isfinite(loss)
        self.in_a_row = self.in_a_row + 1 if above else 0
        self.last, self.last_step, self.since = loss, point.step, self.since + 1
        return self._sign("blocker") if self.in_a_row == _IN_A_ROW else None

    def end(self) -> Sign | None:
        """What there is to say of a run of few steps, once it is over."""
        if not 0 < self.in_a_row < _IN_A_ROW or self.in_a_row != self.since:
            return None
        return self._sign("blocker" if self.in_a_row >= _SURE else "warning")

    def _sign(self, severity: Severity) -> Sign:
        first = self.first or 0.0
        many = f"the last {self.in_a_row} losses are all" if self.in_a_row > 1 else "the last loss is"
        return Sign(
            mechanism="diverged",
            category="loss_spike_divergence",
            severity=severity,
            step=self.last_step,
            onset=self.first_step,
            title=f"The loss stays above that of the first step: {self.last:.4g} after {first:.4g}",
            evidence=[
                f"{first:.4g} at step {self.first_step:,}"
                + (", before any weight had changed" if self.first_step == 1 else ""),
                f"{many} above {_ABOVE * first:.4g}",
            ],
            cause="The learning rate is too high: the first steps have spoilt what the base model knew.",
            remedy="Lower learning_rate, to a third at first and to a tenth where that is not enough.",
            confidence=0.95 if severity == "blocker" else 0.6,
        )
