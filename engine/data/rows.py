"""Yields the rows of a .jsonl, .json, .csv, .tsv, .txt or .md file, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.rows_csv import read_csv
from engine.data.rows_json import read_json, read_jsonl
from engine.data.rows_text import read_text

TEXT_SUFFIXES: Final = (".txt", ".md")
_READERS: Final[dict[str, Callable[[Path], Iterator[Row]]]] = {
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_text,
    ".md": read_text,
}


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of `path`, read as its suffix says; a text file is rows of one `text` piece each.

    Raises:
        Refusal: file:line, what is wrong, why, and what to do.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise Refusal(
            "dataset_format",
            f"Files that end in {path.suffix or 'nothing'} cannot be read.",
            where=str(path),
            do=f"Use one of: {', '.join(_READERS)}.",
        )
    return reader(path)
