"""Reads the rows of an inspection once more, for what has to know all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from engine.data.checks.seen import Seen, seen
from engine.data.examples import Examples
from engine.data.read.index import RowIndex
from engine.data.read.rows import is_text, rows_of
from engine.data.read.table import RowTable
from engine.data.refusal import Refusal, passed_over
from engine.data.row import Row
from engine.data.shapes import Example


class Inspected(Protocol):
    """Files that are inspected, or were."""

    @property
    def indices(self) -> list[RowIndex]:
        """Where the rows of each file begin."""

    @property
    def table(self) -> RowTable:
        """All rows that were met."""

    def read_as(self, number: int) -> Examples:
        """How the rows of a file become examples."""

    def examples(self, number: int, row: Row) -> Sequence[Example | None]:
        """What a row of a file becomes."""


def taken(inspection: Inspected) -> Iterator[Seen]:
    """Every row that training takes, in the order of the files; nothing is judged or counted.

    Raises:
        Refusal: a file cannot be read.
    """
    for number, index in enumerate(inspection.indices):
        if is_text(index.path):
            continue
        new, first, examples = not index.count, inspection.table.first(number), inspection.read_as(number)
        rows = index.read(passed_over) if new else rows_of(index.source, bad=passed_over)
        if not examples.gathers:
            for at, row in enumerate(rows, first):
                with suppress(Refusal):
                    yield from (seen(row, made, at) for made in examples.of(row) if made is not None)
            continue
        for row in rows if new else ():
            with suppress(Refusal):
                examples.feed(row)
        for at, row, made in examples.gathered():
            if made is not None and not isinstance(made, Refusal):
                yield seen(row, made, first + at)


def back(inspection: Inspected, numbers: Sequence[int]) -> Iterator[tuple[int, Row, Example | None]]:
    """Rows that were met, by their numbers: each example of a row once more, None where it has none."""
    for number, file, row in inspection.table.numbered(numbers):
        made: Sequence[Example | None] = ()
        with suppress(Refusal):
            made = inspection.examples(file, row)
        yield from ((number, row, example) for example in made or (None,))
