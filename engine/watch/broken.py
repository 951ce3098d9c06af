"""Numbers with which no training goes on: not finite, or exactly 0."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from engine.watch.point import Point, Sign

_FALLING: Final = 20
"""fp16: steps that a healthy scaler passes over before its first; the scale falls from 65,536 to 1 in 16."""
_IN_A_ROW: Final = 5
"""fp16: steps passed over in a row after a good one; a healthy scale needs 1."""
_ZERO: Final = 3
"""First points that must not all be exactly 0."""
_NOTHING: Final = 1e-6
"""A loss that programs print as 0."""


class NotFinite(msgspec.Struct):
    """A loss that is not finite, a gradient that stays so, or a loss of 0 beside a gradient that is none."""

    in_a_row: int = 0
    good: bool = False

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        loss, norm = point.loss, point.grad_norm
        if norm is not None:
            self.in_a_row = 0 if math.isfinite(norm) else self.in_a_row + 1
            self.good = self.good or math.isfinite(norm)
        if point.eval_loss is not None and not math.isfinite(point.eval_loss):
            return msgspec.structs.replace(
                not_finite(point, "The loss on held-out rows is not finite"), severity="warning"
            )
        if loss is not None and not math.isfinite(loss):
            return not_finite(point, f"Step {point.step:,}: the loss is {loss}")
        if self.in_a_row and loss is not None and abs(loss) <= _NOTHING:
            return not_finite(
                point, f"Step {point.step:,}: the gradient is {norm}, and the loss is told as 0"
            )
        if self.in_a_row == (_IN_A_ROW if self.good else _FALLING):
            return not_finite(point, f"The gradient has not been finite for {self.in_a_row} steps")
        return None


class _FromTheStart(msgspec.Struct):
    """Counts points until something has been 0 in the first few of them, and in all."""

    points: int = 0
    zeros: int = 0

    def _only(self, *, zero: bool) -> bool:
        """Count a point; true at the last of the first few, where all of them were 0."""
        self.points += 1
        self.zeros += zero
        return self.points == self.zeros == _ZERO


class ZeroLoss(_FromTheStart):
    """The first losses are all exactly 0: nothing is learnt from, or all is known already."""

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        if point.loss is None or (point.grad_norm is not None and not math.isfinite(point.grad_norm)):
            return None
        if not self._only(zero=abs(point.loss) <= _NOTHING):
            return None
        return Sign(
            mechanism="zero_loss",
            category="loss_zero",
            severity="blocker",
            step=point.step,
            onset=0,
            title="The loss is 0 from the first step on",
            evidence=[f"the first {_ZERO} losses are at most {_NOTHING:g}"],
            cause="No token of the answers has a label, or the model is given what it should say.",
            remedy="Look at the rows of the first steps: what is learnt from, and where they are cut.",
        )


class NoGradient(_FromTheStart):
    """The gradient is exactly 0 from the first step on."""

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        if point.grad_norm is None:
            return None
        if not self._only(zero=point.grad_norm == 0):
            return None
        return Sign(
            mechanism="no_gradient",
            category="no_trainable_params_or_grad",
            severity="blocker",
            step=point.step,
            onset=0,
            title="No gradient reaches what should be trained",
            evidence=[f"the first {_ZERO} gradient norms are exactly 0"],
            cause="What is trained does not take part in the loss.",
            remedy="Check target_modules, and that the adapter to start from is trainable.",
        )


class ZeroRate(msgspec.Struct):
    """The learning rate is 0 for several points; one of them is how a warm-up begins or a schedule ends."""

    in_a_row: int = 0

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        if point.lr is None:
            return None
        self.in_a_row = self.in_a_row + 1 if point.lr == 0 else 0
        if self.in_a_row != _ZERO:
            return None
        return Sign(
            mechanism="zero_rate",
            category="hyperparameter",
            severity="warning",
            step=point.step,
            onset=point.step,
            title=f"The learning rate is 0 at step {point.step:,}",
            evidence=[f"{_ZERO} steps in a row"],
            cause="A warm-up longer than the run, a schedule that has ended, or a rate that was set to 0.",
            remedy="Check learning_rate, warmup_ratio and max_steps; with a rate of 0 nothing is learnt.",
        )


class NoLabels(msgspec.Struct):
    """A step in which no token is learnt."""

    told: bool = False

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        if point.label_tokens != 0 or self.told:
            return None
        self.told = True
        return Sign(
            mechanism="no_labels",
            category="loss_zero",
            severity="warning",
            step=point.step,
            onset=point.step,
            title=f"Step {point.step:,} had no token to learn from",
            evidence=["0 label tokens in all of its rows"],
            cause="The answers of its rows are empty, or were cut off.",
            remedy="Raise max_length, or look at the rows.",
        )


def not_finite(point: Point, title: str) -> Sign:
    """The sign that ends a run at this point."""
    return Sign(
        mechanism="not_finite",
        category="nan_or_inf",
        severity="blocker",
        step=point.step,
        onset=point.step,
        title=title,
        evidence=[f"step {point.step:,}: loss {point.loss}, gradient norm {point.grad_norm}"],
        cause="Numbers too large for the precision, rows without anything to learn, or damaged weights.",
        remedy="Use bf16 or fp32, a lower learning_rate, and look at the rows of the step.",
    )
