"""What the curve shows, by the same rules that watch a run of ours while it trains."""

from __future__ import annotations

from collections.abc import Iterator

from engine.advisor.case import Case
from engine.findings import Finding
from engine.watch.watch import signs_of


def curve(case: Case) -> Iterator[Finding]:
    """A finding for each kind of trouble, where it was seen first."""
    for sign in signs_of(case.points, vocabulary=case.vocabulary):
        yield Finding(
            category=sign.category,
            severity=sign.severity,
            title=sign.title,
            confidence=sign.confidence,
            evidence=sign.evidence,
            cause=sign.cause,
            remedy=sign.remedy,
            step=sign.step,
            check=f"curve.{sign.mechanism}",
        )
