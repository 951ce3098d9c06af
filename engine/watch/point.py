"""What the rules are fed with, and what they say."""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

from engine.findings import Category, Severity

Mechanism = Literal[
    "not_finite",
    "zero_loss",
    "no_gradient",
    "zero_rate",
    "no_labels",
    "first_loss",
    "spike",
    "exploding",
    "diverged",
    "flat",
    "plateau",
    "overfit",
    "frozen_eval",
    "slow",
    "unmoved",
    "learnt_nothing",
]
ABOUT_ROWS: Final = frozenset(
    {"not_finite", "zero_loss", "no_labels", "first_loss", "spike", "exploding", "diverged"}
)
"""Those for which the rows of the step, and of the one before, may be to blame."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a log: what was told of a step; None for what was not, NaN where that was told."""

    step: int
    loss: float | None = None
    """In nats a token."""
    eval_loss: float | None = None
    grad_norm: float | None = None
    lr: float | None = None
    label_tokens: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    """Wall clock of the step."""

    @property
    def finite_loss(self) -> float | None:
        """The loss, where it is a number."""
        return self.loss if self.loss is not None and math.isfinite(self.loss) else None


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule saw in the curve."""

    mechanism: Mechanism
    category: Category
    severity: Severity
    step: int
    """Where it was seen."""
    onset: int
    """Where it began: weights from before this step are still good."""
    title: str
    evidence: list[str] = []
    cause: str = ""
    remedy: str = ""
    confidence: float = 1.0
