"""What is told of a step: plain values, which go from one process to another as JSON."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True):
    """Neighbouring tokens of a row, all learnt or all given."""

    text: str
    learnt: bool


class Row(msgspec.Struct, frozen=True):
    """One row of the step."""

    where: str
    """`file:line`."""
    tokens: int
    learnt: int
    """Tokens that are learnt from those before them."""
    parts: list[Part]


class Eaten(msgspec.Struct, frozen=True, kw_only=True):
    """A step, and what it was taught with."""

    run: str
    step: int
    epoch: int
    loss: float | None
    """Over all of the rows; None where it was not finite, or the step was passed over."""
    grad_norm: float | None
    lr: float | None
    rows: list[Row]
