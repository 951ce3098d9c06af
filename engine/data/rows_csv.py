"""Rows of a CSV or TSV file with a header line: quotes, line ends inside fields, any usual delimiter."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.data.files import LINE_BYTES, decoded_lines
from engine.data.refusal import Refusal
from engine.data.row import Row

_DELIMITERS: Final = (",", "\t", ";", "|")


def read_csv(path: Path) -> Iterator[Row]:
    """One row a record; the first record names the columns, and every other has as many fields."""
    csv.field_size_limit(LINE_BYTES)
    lines = (line for _, line in decoded_lines(path))
    first = next(lines, None)
    if first is None:
        return
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(first)
    records = _records(path, csv.reader(_again(first, lines), delimiter=delimiter, strict=True))
    columns: list[str] | None = None
    for line, fields in records:
        if not any(field.strip() for field in fields):
            continue
        if columns is None:
            columns = _columns(path, line, fields)
            continue
        if len(fields) != len(columns):
            raise _ragged(path, line, len(fields), columns)
        yield Row(str(path), line, dict(zip(columns, fields, strict=True)))


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns; a comma where none does better."""

    def columns(delimiter: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=delimiter)))
        except (csv.Error, StopIteration):
            return 0

    return max(_DELIMITERS, key=columns)


def _records(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins."""
    while True:
        begin = int(getattr(reader, "line_num", 0)) + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refusal(
                "dataset_encoding_or_parse",
                "The record cannot be parsed as CSV.",
                where=f"{path}:{begin}",
                why=f"The parser says: {error}. A quote is probably missing or not doubled.",
                do='Put fields with quotes or line ends in "…" and write quotes inside them twice.',
            ) from None
        yield begin, fields


def _columns(path: Path, line: int, fields: list[str]) -> list[str]:
    names = [field.strip().lower() for field in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refusal(
            "dataset_format",
            f"Two columns have the same name: {', '.join(repr(name) for name in twice)}.",
            where=f"{path}:{line}",
            do="Give every column a name of its own in the first line.",
        )
    return names


def _ragged(path: Path, line: int, fields: int, columns: list[str]) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        f"The record has {fields} fields, and the header names {len(columns)} columns.",
        where=f"{path}:{line}",
        why=f"The columns are: {', '.join(columns)}.",
        do="Put fields that hold the delimiter in quotes, or fill in what is missing.",
    )
