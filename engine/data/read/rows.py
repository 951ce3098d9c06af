"""Yields the rows of a .jsonl, .json, .csv, .tsv, .txt or .md file, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.data.read.rows_csv import read_csv
from engine.data.read.rows_json import read_json, read_jsonl
from engine.data.read.rows_text import read_text, read_text_lines
from engine.data.refusal import Bad, Refusal
from engine.data.row import TOP, Row, Start

TEXT_SUFFIXES: Final = (".txt", ".md")
_Reader = Callable[[Path, Start, Bad | None], Iterator[Row]]
_READERS: Final[dict[str, _Reader]] = {
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_text,
    ".md": read_text,
}


def is_text(path: Path) -> bool:
    """True for a file that is one running text and has no rows of its own."""
    return path.suffix.lower() in TEXT_SUFFIXES


def read_rows(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The rows of `path`, read as its suffix says; a text file is rows of one `text` piece each.

    Args:
        path: the file.
        start: the `Row.start` of the row to go on from.
        bad: is called with each row that cannot be read, and the reader goes on behind it where it can;
            without it, the first such row is raised.

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
    return reader(path, start, bad)


def seen_rows(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The rows of `path` as a person looks at them: those of `read_rows`, and of a text file its lines.

    Raises:
        Refusal: as `read_rows`.
    """
    return read_text_lines(path, start, bad) if is_text(path) else read_rows(path, start, bad)
