"""Steps that take much longer than they did."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.watch.point import Point, Sign
from engine.watch.recent import Recent

_WINDOW: Final = 50
_ENOUGH: Final = 20
_TIMES: Final = 5.0
_IN_A_ROW: Final = 5
_LONGER: Final = 1.0
"""Seconds more than usual at least: shorter ones are the machine's own noise."""


class Slow(msgspec.Struct):
    """Five steps in a row of more than five times the usual time, also by the token."""

    seconds: Recent = msgspec.field(default_factory=lambda: Recent(_WINDOW))
    by_token: Recent = msgspec.field(default_factory=lambda: Recent(_WINDOW))
    in_a_row: int = 0

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        took, tokens = point.seconds, point.tokens or 0
        if took is None or took <= 0 or tokens <= 0:
            return None
        if len(self.seconds) < _ENOUGH or not self._long(took, took / tokens):
            self.in_a_row = 0
            self.seconds.add(took)
            self.by_token.add(took / tokens)
            return None
        self.in_a_row += 1
        if self.in_a_row != _IN_A_ROW:
            return None
        usual = self.seconds.median
        return Sign(
            mechanism="slow",
            category="hang_or_slow",
            severity="warning",
            step=point.step,
            onset=point.step - _IN_A_ROW + 1,
            title=f"Steps take {took / usual:.0f} times as long as before",
            evidence=[f"{took:.2f} s at step {point.step:,}, {usual:.2f} s before"],
            cause="Another process wants the device, it runs hot, or its memory spills into the machine's.",
            remedy="See what else runs; the machine panel shows memory, clock and temperature.",
            confidence=0.7,
        )

    def _long(self, took: float, by_token: float) -> bool:
        usual = self.seconds.median
        return took > max(_TIMES * usual, usual + _LONGER) and by_token > _TIMES * self.by_token.median
