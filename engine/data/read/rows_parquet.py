"""Rows of a Parquet file, a batch at a time; `pyarrow` is imported by the first one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from engine.data.read.columnar import numbered, told
from engine.data.read.source import Source
from engine.data.refusal import Bad
from engine.data.row import TOP, Row, Start

_BATCH_BYTES: Final = 4 << 20
"""Of values, about: what is held of a row group at once."""
_MOST_ROWS: Final = 1024


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
                yield from numbered(source.path, batch.slice(skipped).to_pylist(), number, bad)
                number += batch.num_rows - skipped


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
