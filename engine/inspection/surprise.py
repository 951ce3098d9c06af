"""What the side job `perplexity` and a front end say to each other, and which rows stand out; light."""

from __future__ import annotations

import math
from statistics import median
from typing import Any, Final

import msgspec

from engine.findings import Finding
from engine.inspection.talk import Spec

MOST_ROWS: Final = 1000
"""Rows that are measured: a sample, drawn by a seed, where there are more."""
_STANDS_OUT: Final = 3.5
"""Modified z-score above which a value is an outlier (Iglewicz and Hoaglin 1993)."""
_TO_DEVIATION: Final = 1.4826
"""From the median absolute deviation to the standard deviation of normal values."""
_FEWEST: Final = 20
_SHOWN: Final = 5


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure."""

    spec: Spec
    rows: int = MOST_ROWS
    seed: int = 42


class Row(msgspec.Struct, frozen=True):
    """One measured row."""

    number: int
    where: str
    """`file:line`."""
    loss: float
    """Mean over the answer's tokens, in nats."""
    tokens: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now; comes by itself while the work goes on."""

    rows: list[Row]
    """All of them once it is `done`, none before."""
    measured: int
    """Rows so far."""
    whole: int
    """Rows that are going to be measured."""
    short: int
    """Rows drawn whose answers are too short to say anything."""
    of: int
    """Rows that were drawn from."""
    done: bool

    @property
    def perplexity(self) -> float | None:
        """Of all answers that were measured, over their tokens; None before the first."""
        tokens = sum(row.tokens for row in self.rows)
        return math.exp(sum(row.loss * row.tokens for row in self.rows) / tokens) if tokens else None

    def findings(self) -> list[Finding]:
        """Answers that stand out at either end, the farthest first."""
        if len(self.rows) < _FEWEST:
            return []
        middle = median(row.loss for row in self.rows)
        spread = _TO_DEVIATION * median(abs(row.loss - middle) for row in self.rows)
        if spread <= 0:
            return []
        scored = [((row.loss - middle) / spread, row) for row in self.rows]
        high = sorted((s for s in scored if s[0] > _STANDS_OUT), key=lambda s: -s[0])
        low = sorted((s for s in scored if s[0] < -_STANDS_OUT), key=lambda s: s[0])
        found = [self._finding("surprising", [row for _, row in high], middle)] if high else []
        return [*found, *([self._finding("expected", [row for _, row in low], middle)] if low else [])]

    def document(self) -> dict[str, Any]:
        """What `openlora inspect --json` says of it."""
        return {
            "rows": len(self.rows),
            "of": self.of,
            "too_short": self.short,
            "perplexity": self.perplexity,
            "median": math.exp(median(row.loss for row in self.rows)) if self.rows else None,
        }

    def _finding(self, check: str, rows: list[Row], middle: float) -> Finding:
        high = check == "surprising"
        share = len(rows) / len(self.rows)
        be = "answer" if len(rows) == 1 else "answers"
        return Finding(
            category="quality",
            severity="note",
            title=f"{len(rows):,} of {len(self.rows):,} {be} "
            + (
                "surprise the base model far more than the others"
                if high
                else "hardly surprise the base model"
            ),
            confidence=0.6,
            evidence=[
                *(f"{row.where}  perplexity {math.exp(row.loss):,.1f}" for row in rows[:_SHOWN]),
                f"median {math.exp(middle):,.1f}; beyond {_STANDS_OUT} robust deviations of its logarithm",
            ],
            cause="Garbled text, another language, a wrong column, or an answer to another question."
            if high
            else "Boilerplate, a copy of the prompt, or text that the model has learnt by heart before.",
            remedy="Look at these rows: what is wrong with them costs more than it teaches."
            if high
            else "Look at these rows: they teach hardly anything.",
            count=len(rows),
            share=share,
            places=[row.where for row in rows[:_SHOWN]],
            check=check,
        )


def encode(message: Asked | Measured) -> bytes:
    """As it travels."""
    return msgspec.json.encode(message)


def asked(body: bytes) -> Asked:
    """What the side job is told first."""
    return msgspec.json.decode(body, type=Asked)


def measured(body: bytes) -> Measured:
    """What the side job says."""
    return msgspec.json.decode(body, type=Measured)
