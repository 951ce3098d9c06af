"""Yields the rows of a data file of any kind, packed or not, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.data.read.kinds import other_kind
from engine.data.read.packing import PACKED_SUFFIXES
from engine.data.read.rows_arrow import read_arrow
from engine.data.read.rows_csv import read_csv, read_tsv
from engine.data.read.rows_json import is_direct as is_direct_json
from engine.data.read.rows_json import read_json
from engine.data.read.rows_parquet import read_parquet
from engine.data.read.rows_text import read_text, read_text_lines
from engine.data.read.source import Source
from engine.data.refusal import Bad, Refusal
from engine.data.row import TOP, Row, Start

TEXT_SUFFIXES: Final = (".txt", ".md")
_Reader = Callable[[Source, Start, Bad | None], Iterator[Row]]
_READERS: Final[dict[str, _Reader]] = {
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".txt": read_text,
    ".md": read_text,
}
TABLES: Final = (".parquet", ".arrow")
"""Files whose rows are read by their number."""
READABLE: Final = tuple(_READERS)
"""How the names of files end that can be read; with .gz or .zst behind it too, but for `TABLES`."""


def kind_of(path: Path) -> str:
    """How the file's name ends, in small letters, what packs it aside: `.jsonl` for `A.JSONL.gz`."""
    name = path.name.lower()
    for suffix in PACKED_SUFFIXES:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def is_text(path: Path) -> bool:
    """True for a file that is one running text and has no rows of its own."""
    return kind_of(path) in TEXT_SUFFIXES


def read_rows(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The rows of `path`, read as its name says; a text file is rows of one `text` piece each.

    Args:
        path: the file; packed with gzip or zstd where its first bytes say so.
        start: the `Row.start` of the row to go on from.
        bad: is called with each row that cannot be read, and the reader goes on behind it where it can;
            without it, the first such row is raised.

    Raises:
        Refusal: file:line, what is wrong, why, and what to do.
    """
    return rows_of(Source(path), start, bad)


def seen_rows(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The rows of `path` as a person looks at them: those of `read_rows`, and of a text file its lines.

    Raises:
        Refusal: as `read_rows`.
    """
    return seen_of(Source(path), start, bad)


def rows_of(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """As `read_rows`, of a source that remembers what was found out about the file."""
    kind = kind_of(source.path)
    reader = _READERS.get(kind)
    if reader is None:
        raise _unknown(source)
    return reader(source, start, bad)


def seen_of(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """As `seen_rows`, of a source that remembers what was found out about the file."""
    return read_text_lines(source, start, bad) if is_text(source.path) else rows_of(source, start, bad)


def is_direct(source: Source) -> bool:
    """True where reading can begin at any row at once, so that nothing before it has to be read.

    Raises:
        Refusal: as `read_rows`.
    """
    kind = kind_of(source.path)
    if kind in TABLES:
        return True
    if source.head and source.packed:
        return False
    return _READERS.get(kind) is not read_json or is_direct_json(source)


def _unknown(source: Source) -> Refusal:
    """What is said of a file whose name tells no kind that can be read."""
    path = source.path
    other = other_kind(path, source.first_bytes)
    if other is not None:
        why, do = f"Its first bytes are those of {other[0]}.", other[1]
    else:
        packed = kind_of(path) != path.suffix.lower()
        why = "The name does not say what is packed." if packed else ""
        do = f"Use one of: {', '.join(READABLE)}; text also with .gz or .zst behind it."
    what = f"Files that end in {path.suffix or 'nothing'} cannot be read."
    return Refusal("dataset_format", what, where=str(path), why=why, do=do)
