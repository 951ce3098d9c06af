"""Rows of a CSV or TSV file: quotes, line ends inside fields, any usual delimiter, broken records between."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.data.read.csv_dialect import Header, header_of, records_of
from engine.data.read.lines import lines
from engine.data.read.source import Source
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import TOP, Row, Start, listed

_PROVED: Final = 50
"""Lines behind a stray quote that are tried as records of their own."""


def read_csv(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """One row a record; the first record names the columns, and every other has as many fields."""
    yield from _read(source, start, bad, tabs=False)


def read_tsv(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """As `read_csv`, where tabs are likelier than commas."""
    yield from _read(source, start, bad, tabs=True)


def _read(source: Source, start: Start, bad: Bad | None, *, tabs: bool) -> Iterator[Row]:
    header = header_of(source, tabs=tabs)
    if header is None:
        for _ in lines(source, start, bad):
            pass
        return
    above = header.records if start == TOP else 0
    for here, fields, text in _records(source, header, start, bad):
        if not any(field.strip() for field in fields):
            continue
        if above:
            above -= 1
            continue
        row = _row(source.path, here, header, fields)
        if row is None:
            or_raise(bad, _ragged(source.path, here.line, len(fields), header.columns), "".join(text))
        else:
            yield row


def _row(path: Path, here: Start, header: Header, fields: list[str]) -> Row | None:
    """None where there are not as many fields as columns; empty ones without a name do not count."""
    width = len(header.columns)
    if len(fields) != width:
        surplus, missing = fields[width:], header.columns[len(fields) :]
        if any(field.strip() for field in surplus) or not header.unnamed.issuperset(missing):
            return None
    values = dict(zip(header.columns, fields, strict=False))
    for name in header.unnamed:
        if not values.get(name, "").strip():
            values.pop(name, None)
    return Row(str(path), here.line, values, here.offset)


class _Feed:
    """Lines for the parser, some of which it may be fed again."""

    def __init__(self, found: Iterator[tuple[Start, str]]) -> None:
        self._lines = found
        self._again: deque[tuple[Start, str]] = deque()
        self.taken: list[tuple[Start, str]] = []
        """Since the record began."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        item = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(item)
        return item[1]

    def put_back(self, kept: int) -> None:
        """Feed again what was taken behind the first `kept` lines."""
        self._again.extendleft(reversed(self.taken[kept:]))
        del self.taken[kept:]


def _records(
    source: Source, header: Header, start: Start, bad: Bad | None
) -> Iterator[tuple[Start, list[str], list[str]]]:
    """Records from `start` on, each with where it begins and its lines."""
    feed = _Feed(lines(source, start, bad))
    options = header.dialect.options()
    reader = csv.reader(feed, **options)
    taken = feed.taken
    while True:
        taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if _are_records(header, [line for _, line in taken[1:]]):
                feed.put_back(1)
            raw = "".join(line for _, line in taken)
            or_raise(bad, _broken(source.path, taken[0][0].line, error), raw)
            reader = csv.reader(feed, **options)
            continue
        begin = taken[0][0]
        text = [line for _, line in taken] if len(taken) > 1 else [taken[0][1]]
        if len(taken) > 1 and taken[-1][0].line - begin.line != len(taken) - 1:
            or_raise(bad, _gap(source.path, begin.line), "".join(text))
            continue
        yield begin, fields, text


def _are_records(header: Header, text: list[str]) -> bool:
    """True where lines that a stray quote has swallowed are whole records by themselves.

    Never in a table of one column, where any line is.
    """
    tried = text[:_PROVED]
    if not tried or len(header.columns) < 2:
        return False
    found = [list(records_of(header.dialect, [line])) for line in tried]
    # The last one may be where the parser met the next quote.
    sure = found if len(text) > len(tried) else found[:-1] or found
    widths = [len(record[0] or []) for record in sure if record]
    return bool(widths) and all(width == len(header.columns) for width in widths)


def _broken(path: Path, line: int, error: csv.Error) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        "The record cannot be parsed as CSV.",
        where=f"{path}:{line}",
        why=f"The parser says: {error}. A quote is probably missing or not doubled.",
        do='Put fields with quotes or line ends in "…" and write quotes inside them twice.',
    )


def _gap(path: Path, line: int) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        "A line within the record cannot be read, so the record is not whole.",
        where=f"{path}:{line}",
        do="Mend that line.",
    )


def _ragged(path: Path, line: int, fields: int, columns: list[str]) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        f"The record has {fields} field{'' if fields == 1 else 's'}, and the header names {len(columns)} "
        f"column{'' if len(columns) == 1 else 's'}.",
        where=f"{path}:{line}",
        why=f"The columns are: {listed(columns)}.",
        do="Put fields that hold the delimiter in quotes, or fill in what is missing.",
    )
