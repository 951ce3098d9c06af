"""What the curve shows, by the same rules that watch a run of ours while it trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.advisor.case import Case
from engine.findings import Category, Finding
from engine.watch.point import Point, Sign
from engine.watch.watch import signs_of

_NOTHING: Final = 1e-6
_SURE: Final = 0.95
"""At most this: a curve shows that something is wrong, and rarely why."""


def curve(case: Case) -> Iterator[Finding]:
    """A finding for each kind of trouble, where it was seen first."""
    for sign in signs_of(case.points, vocabulary=case.vocabulary):
        yield Finding(
            category=_category(sign, case.points),
            severity=sign.severity,
            title=sign.title,
            confidence=min(sign.confidence, _SURE),
            evidence=sign.evidence,
            cause=sign.cause,
            remedy=sign.remedy,
            step=sign.step,
            check=f"curve.{sign.mechanism}",
        )


def _category(sign: Sign, points: list[Point]) -> Category:
    """Programs tell a loss that is no number as 0, and that is what people see."""
    at = next((point for point in points if point.step == sign.step), None)
    told_as_0 = at is not None and at.loss is not None and abs(at.loss) <= _NOTHING
    return "loss_zero" if sign.mechanism == "not_finite" and told_as_0 else sign.category
