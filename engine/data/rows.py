"""Yields the rows of a .jsonl, .json, .csv, .tsv, .txt or .md file, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.data.refusal import Refusal

TEXT_SUFFIXES: Final = (".txt", ".md")


class Row(msgspec.Struct, frozen=True):
    """One row of a data file; column names are lower case without surrounding spaces."""

    file: str
    line: int
    values: dict[str, Any]

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of `path`, read as its suffix says; a text file is rows of one `text` piece each.

    Raises:
        Refusal: file:line, what is wrong, why, and what to do.
    """
    reader = _readers().get(path.suffix.lower())
    if reader is None:
        raise Refusal(
            "dataset_format",
            f"Files that end in {path.suffix or 'nothing'} cannot be read.",
            where=str(path),
            do=f"Use one of: {', '.join(_readers())}.",
        )
    return reader(path)


def row_of(path: Path, line: int, value: object) -> Row:
    """The row that a parsed JSON `value` makes.

    Raises:
        Refusal: `value` is no object with columns.
    """
    if not isinstance(value, dict):
        raise Refusal(
            "dataset_format",
            f"A row has to be an object with columns, and this one is {_kind(value)}.",
            where=f"{path}:{line}",
            do='Write each row like {"prompt": "…", "completion": "…"}.',
        )
    return Row(str(path), line, {str(key).strip().lower(): item for key, item in value.items()})


def _readers() -> dict[str, Callable[[Path], Iterator[Row]]]:
    from engine.data.rows_csv import read_csv
    from engine.data.rows_json import read_json, read_jsonl
    from engine.data.rows_text import read_text

    return {
        ".jsonl": read_jsonl,
        ".json": read_json,
        ".csv": read_csv,
        ".tsv": read_csv,
        ".txt": read_text,
        ".md": read_text,
    }


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
