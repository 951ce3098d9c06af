"""Rows of a CSV or TSV file with a header line: quotes, line ends inside fields, any usual delimiter."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.data.read.files import LINE_BYTES, decoded_lines
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import MOST_COLUMNS, TOP, Row, Start, listed, too_wide

_DELIMITERS: Final = (",", "\t", ";", "|")


def read_csv(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """One row a record; the first record names the columns, and every other has as many fields."""
    csv.field_size_limit(LINE_BYTES)
    first = next(decoded_lines(path), None)
    if first is None:
        return
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(first[1])
    columns: list[str] | None = None
    for here, fields in _records(path, delimiter):
        if not any(field.strip() for field in fields):
            continue
        if columns is not None:
            yield from _row(path, here, columns, fields, bad)
            continue
        columns = _columns(path, here.line, fields)
        if start != TOP:
            break
    if columns is None or start == TOP:
        return
    for here, fields in _records(path, delimiter, start):
        if any(field.strip() for field in fields):
            yield from _row(path, here, columns, fields, bad)


def _row(path: Path, here: Start, columns: list[str], fields: list[str], bad: Bad | None) -> Iterator[Row]:
    if len(fields) != len(columns):
        or_raise(bad, _ragged(path, here.line, len(fields), columns))
        return
    yield Row(str(path), here.line, dict(zip(columns, fields, strict=True)), here.offset)


def _delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns; a comma where none does better."""

    def columns(delimiter: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=delimiter)))
        except (csv.Error, StopIteration):
            return 0

    return max(_DELIMITERS, key=columns)


def _records(path: Path, delimiter: str, start: Start = TOP) -> Iterator[tuple[Start, list[str]]]:
    """Records from `start` on, each with where it begins."""
    begin: list[Start] = []

    def fed() -> Iterator[str]:
        for here, line in decoded_lines(path, start):
            begin.append(here)
            yield line

    reader = csv.reader(fed(), delimiter=delimiter, strict=True)
    while True:
        begin.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refusal(
                "dataset_encoding_or_parse",
                "The record cannot be parsed as CSV.",
                where=f"{path}:{begin[0].line}",
                why=f"The parser says: {error}. A quote is probably missing or not doubled.",
                do='Put fields with quotes or line ends in "…" and write quotes inside them twice.',
            ) from None
        yield begin[0], fields


def _columns(path: Path, line: int, fields: list[str]) -> list[str]:
    names = [field.strip().lower() for field in fields]
    if len(names) > MOST_COLUMNS:
        raise too_wide(path, line, len(names))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise Refusal(
            "dataset_format",
            f"Two columns have the same name: {listed(repr(name) for name in twice)}.",
            where=f"{path}:{line}",
            do="Give every column a name of its own in the first line.",
        )
    return names


def _ragged(path: Path, line: int, fields: int, columns: list[str]) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        f"The record has {fields} fields, and the header names {len(columns)} columns.",
        where=f"{path}:{line}",
        why=f"The columns are: {listed(columns)}.",
        do="Put fields that hold the delimiter in quotes, or fill in what is missing.",
    )
