"""Rows that are far longer than all others, and data that no person reads."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from engine.data.checks.check import Back, RowCheck
from engine.data.checks.seen import Seen
from engine.findings import Finding

_PARTS: Final = 16
"""Bars of the histogram for each doubling of the length."""
_Z: Final = 3.5
_NORMAL: Final = 0.6745
"""Modified z-score of Iglewicz and Hoaglin (1993): 0.6745 (x - median) / MAD, an outlier above 3.5.

It is taken of the logarithm, because lengths of texts are spread by factors.
"""
_SPREAD: Final = 0.25
"""Least MAD, in doublings: of rows that are all alike a little more is no outlier."""
_TIMES: Final = 4.0
"""Doublings above the median that an outlier has at least: BANKING77 has rows with 3.2 and z = 5.7."""
_ROWS: Final = 50
_SHOWN: Final = 5
_KEPT: Final = 1000
LONG: Final = "very_long"


class Sizes:
    """A histogram of lengths, and the longest rows."""

    def __init__(self, back: Back) -> None:
        self._bars: Counter[int] = Counter()
        self._longest: list[tuple[int, int, str]] = []

    def add(self, seen: Seen) -> None:
        """One more row."""
        size = len(seen.prompt) + len(seen.answer)
        self._bars[int(math.log2(size + 1) * _PARTS)] += 1
        if len(self._longest) < _KEPT:
            heapq.heappush(self._longest, (size, -seen.number, seen.row.where))
        elif size > self._longest[0][0]:
            heapq.heapreplace(self._longest, (size, -seen.number, seen.row.where))

    def steps(self) -> Iterator[None]:
        """Nothing is left to do."""
        yield from ()

    def numbers(self, check: str) -> Sequence[int] | None:
        """The longest of the outliers."""
        return sorted(-number for _, number, _ in self._outliers()) if check == LONG else None

    def findings(self) -> Iterator[Finding]:
        """One, where rows are out of all proportion."""
        found = sorted(self._outliers(), key=lambda each: (-each[0], -each[1]))
        if not found:
            return
        rows = self._bars.total()
        middle = round(2 ** (_middle(self._bars) / _PARTS))
        count = sum(count for bar, count in self._bars.items() if bar >= self._limit())
        yield Finding(
            category="quality",
            severity="warning",
            title=f"{count:,} of {rows:,} rows {'is' if count == 1 else 'are'} far longer than the others",
            evidence=[f"{where}  {size:,} characters" for size, _, where in found[:_SHOWN]],
            cause=f"Half of the rows have less than about {middle:,} characters. Such rows are often files "
            "or logs that got in by mistake.",
            remedy="Look at them; leave them out, or split them.",
            count=count,
            share=count / rows,
            places=[where for _, _, where in found[:_SHOWN]],
            check=LONG,
        )

    def _outliers(self) -> list[tuple[int, int, str]]:
        if self._bars.total() < _ROWS:
            return []
        limit = self._limit()
        return [each for each in self._longest if int(math.log2(each[0] + 1) * _PARTS) >= limit]

    def _limit(self) -> int:
        """The first bar of outliers."""
        middle = _middle(self._bars)
        apart: Counter[int] = Counter()
        for bar, count in self._bars.items():
            apart[abs(bar - middle)] += count
        spread = max(_middle(apart), _SPREAD * _PARTS)
        return math.ceil(middle + max(_Z * spread / _NORMAL, _TIMES * _PARTS))


def _middle(bars: Counter[int]) -> int:
    """The bar of the median."""
    half, passed = bars.total() / 2, 0
    for bar in sorted(bars):
        passed += bars[bar]
        if passed >= half:
            return bar
    return 0


_PIECE: Final = 512
_SPACES: Final = 26
"""In a piece of 512 characters: English has some 80, indented code more."""
_ENCODED: Final = re.compile(r"(?=[^\s]{0,200}[0-9])(?=[^\s]{0,200}[A-Za-z])[A-Za-z0-9+/=_-]{256}")
"""Base64 or hexadecimal; genes have no digits, and numbers no letters."""
_SCRIPT: Final = re.compile(r"\bfunction\b|\breturn\b|\bvar\b|=>|\bconst\b|[\w-]+:[^;{}\"]+;[\w-]+:")
_STATEMENTS: Final = 10


def _blob(seen: Seen) -> str:
    return _unreadable(seen.answer) or _unreadable(seen.prompt)


def _unreadable(text: str) -> str:
    for at in range(0, len(text) - _PIECE + 1, _PIECE // 2):
        piece = text[at : at + _PIECE]
        if piece.count(" ") > _SPACES or "\n" in piece or not piece.isascii():
            continue
        many = piece.count(";") + piece.count("}") >= _STATEMENTS
        if _ENCODED.search(piece) or (many and _SCRIPT.search(piece)):
            return f"{len(text):,} characters: {piece[:40]}"
    return ""


BLOB: Final = RowCheck(
    name="blob",
    category="quality",
    severity="warning",
    title="hold encoded data or minified code",
    cause="Hundreds of characters without a space are base64, hexadecimal or minified, and teach nothing.",
    remedy="Leave these rows out, or take the data out of them.",
    look=_blob,
)
