"""Where the rows of a file begin, so that any of them can be read without those before it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import islice
from pathlib import Path
from typing import Final

from engine.data.read.rows import seen_rows
from engine.data.refusal import passed_over
from engine.data.row import Row, Start

_STRIDE: Final = 32
"""Rows from one mark to the next: a million rows cost half a megabyte, and 31 are read in vain at worst."""


class RowIndex:
    """Grows while a file is read from its top, and gives any row that was met."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._offsets = array("Q")
        self._lines = array("Q")

    def add(self, row: Row) -> None:
        """Count the next row of the file."""
        if self.count % _STRIDE == 0:
            self._offsets.append(row.offset)
            self._lines.append(row.line)
        self.count += 1

    def at_line(self, line: int) -> int | None:
        """The first row that begins on a line; None where none does.

        Raises:
            Refusal: the file has changed since and cannot be read any more.
        """
        mark = bisect_left(self._lines, line)
        if mark == len(self._lines) or self._lines[mark] != line:
            mark -= 1
        first = max(mark, 0) * _STRIDE
        rows = enumerate(self.rows(first, _STRIDE), first)
        return next((number for number, row in rows if row.line == line), None)

    def rows(self, first: int, count: int = 1) -> list[Row]:
        """`count` rows from row `first` on, fewer at the end of what was met.

        Raises:
            Refusal: the file has changed since and cannot be read any more.
        """
        count = min(count, self.count - first)
        if first < 0 or count <= 0:
            return []
        mark = first // _STRIDE
        rows = seen_rows(self.path, Start(self._offsets[mark], self._lines[mark]), passed_over)
        skipped = first - mark * _STRIDE
        return list(islice(rows, skipped, skipped + count))
