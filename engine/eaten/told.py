"""What is told of a step: plain values, which go from one process to another as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

Side = Literal["", "chosen", "rejected"]
ALONE: Final = "+ is learnt; the rest is given to the model"
PAIRED: Final = "+ is to become likelier, - less likely; the rest is given to the model"


class Part(msgspec.Struct, frozen=True):
    """Neighbouring tokens of a row, all learnt or all given."""

    text: str
    learnt: bool
    side: Side = ""
    """Of a pair; what is learnt of the rejected one is to say it less."""

    @property
    def mark(self) -> str:
        """One character before its lines."""
        if not self.learnt:
            return " "
        return "-" if self.side == "rejected" else "+"


class Row(msgspec.Struct, frozen=True):
    """One row of the step."""

    where: str
    """`file:line`."""
    tokens: int
    learnt: int
    """Tokens that are learnt from those before them."""
    parts: list[Part]

    @property
    def paired(self) -> bool:
        """True for a chosen and a rejected answer to one prompt."""
        return any(part.side for part in self.parts)

    def told(self) -> Iterator[Part]:
        """The parts as they are read, the prompt of a pair once."""
        given = {part.text for part in self.parts if part.side == "chosen" and not part.learnt}
        for part in self.parts:
            if part.side != "rejected" or part.learnt or part.text not in given:
                yield part


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
