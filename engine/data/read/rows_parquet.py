"""Rows of a Parquet file, a batch at a time; `pyarrow` is imported by the first one."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from engine import reading
from engine.data.read.complaints import unopened
from engine.data.read.kinds import MAGIC_BYTES, prove_text
from engine.data.read.source import Source
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import TOP, Row, Start, row_of

_BATCH_BYTES: Final = 4 << 20
"""Of values, about: what is held of a row group at once."""
_MOST_ROWS: Final = 1024
_PLAIN: Final = (str, bool, int, float, type(None))


def read_parquet(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """Its rows; line and offset of a row are its number, from 1 and from 0."""
    with _opened(source.path) as table:
        number = 0
        for group in range(table.num_row_groups):
            meta = table.metadata.row_group(group)
            if number + meta.num_rows <= start.offset:
                number += meta.num_rows
                continue
            size = _BATCH_BYTES * meta.num_rows // max(meta.total_byte_size, 1)
            for batch in table.iter_batches(min(max(size, 1), _MOST_ROWS), [group], use_threads=False):
                if number + batch.num_rows <= start.offset:
                    number += batch.num_rows
                    continue
                skipped = max(start.offset - number, 0)
                number += skipped
                for value in batch.slice(skipped).to_pylist():
                    here = Start(number, number + 1)
                    number += 1
                    try:
                        row = row_of(source.path, here, plain(value))
                    except Refusal as refusal:
                        or_raise(bad, refusal)
                    else:
                        yield row


def parquet_size(path: Path) -> int:
    """How many rows the file says that it has.

    Raises:
        Refusal: it is no Parquet file, or nothing here reads one.
    """
    with _opened(path) as table:
        return int(table.metadata.num_rows)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with told(path, "Parquet") as file:
        from pyarrow.parquet import ParquetFile

        with ParquetFile(file, buffer_size=1 << 20) as table:
            yield table


@contextmanager
def told(path: Path, form: str) -> Iterator[BinaryIO]:
    """The file, open for a reader of `pyarrow`; what goes wrong there is told as of a file of that form.

    Raises:
        Refusal: the package is not here, or the file is none of that form.
    """
    try:
        from pyarrow import ArrowException
    except ImportError:
        raise Refusal(
            "dependency_version",
            f"{form} files need the package pyarrow, which is not installed.",
            where=str(path),
            do="Install it: pip install 'openlora-tui[train]', or save the rows as JSON Lines.",
        ) from None
    try:
        with _bytes_of(path) as file:
            yield file
    except (ArrowException, OSError, ValueError, NotImplementedError) as error:
        raise Refusal(
            "dataset_encoding_or_parse",
            f"The {form} file cannot be read.",
            where=str(path),
            why=f"Its reader says: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            do="Check that it is whole and what its name says, or save its rows as .jsonl.",
        ) from None


def _bytes_of(path: Path) -> BinaryIO:
    try:
        file = reading.opened(path)
        head = file.read(MAGIC_BYTES)
        file.seek(0)
    except OSError as error:
        raise unopened(path, error) from None
    if not head.startswith((b"PAR1", b"ARROW1")):
        prove_text(path, head)
    return file


def plain(value: Any) -> Any:
    """The value as JSON has it: times as ISO 8601, decimals as text, bytes as UTF-8 or else null."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):  # a map
            return {str(key): plain(item) for key, item in value}
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)
