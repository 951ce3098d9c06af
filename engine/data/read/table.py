"""All files as one table: rows counted from 0 over all of them, any of which can be read at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from engine.data.read.index import RowIndex
from engine.data.row import Row

_NEAR: Final = 16
"""Rows between two that are wanted which are read in vain rather than sought past."""
_AT_ONCE: Final = 512


class RowTable:
    """As many rows as the indices of the files have met.

    Every method raises Refusal where a file has changed since and cannot be read any more.
    """

    def __init__(self, indices: Sequence[RowIndex]) -> None:
        self._indices = indices

    def first(self, file: int) -> int:
        """The number of the first row of a file, once those before it have been met."""
        return sum(index.count for index in self._indices[:file])

    def rows(self, first: int, count: int) -> list[tuple[int, Row]]:
        """`count` rows from row `first` on, as far as they were met, with their files' numbers."""
        found: list[tuple[int, Row]] = []
        for number, index in enumerate(self._indices):
            if first < index.count and len(found) < count:
                found += [(number, row) for row in index.rows(first, count - len(found))]
                first = index.count
            first -= index.count
        return found

    def numbered(self, numbers: Sequence[int]) -> Iterator[tuple[int, int, Row]]:
        """Some rows with their own numbers and those of their files, neighbours read at once."""
        at = 0
        while at < len(numbers):
            first, end = numbers[at], at + 1
            while (
                end < len(numbers)
                and 0 < numbers[end] - numbers[end - 1] <= _NEAR
                and numbers[end] - first < _AT_ONCE
            ):
                end += 1
            wanted = set(numbers[at:end])
            for number, (file, row) in enumerate(self.rows(first, numbers[end - 1] - first + 1), first):
                if number in wanted:
                    yield number, file, row
            at = end

    def walk(self, first: int, way: int) -> Iterator[tuple[int, Row]]:
        """Every row from row `first` on, or with `way` -1 backwards, with its number."""
        whole = self.first(len(self._indices))
        step = 64
        while 0 <= first < whole:
            begin = first if way > 0 else max(first - step + 1, 0)
            count = step if way > 0 else first - begin + 1
            rows = [row for _, row in self.rows(begin, count)]
            numbered = list(enumerate(rows, begin))
            yield from numbered if way > 0 else reversed(numbered)
            if not rows:
                return
            first = begin + len(rows) if way > 0 else begin - 1

    def number_of(self, place: str) -> int | None:
        """The number of the row at `file:line`; None where none begins there."""
        path, _, line = place.rpartition(":")
        for file, index in enumerate(self._indices):
            if str(index.path) == path and line.isdecimal():
                found = index.at_line(int(line))
                return None if found is None else self.first(file) + found
        return None
