"""Rows of an Arrow file, as `datasets` saves and caches them; `pyarrow` is imported by the first one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from engine.data.read.columnar import numbered, told
from engine.data.read.source import Source
from engine.data.refusal import Bad
from engine.data.row import TOP, Row, Start

_FILE: Final = b"ARROW1"
_AT_ONCE: Final = 256
"""Rows that are made Python's at a time; a batch of the file may have many more."""


def read_arrow(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """Its rows; line and offset of a row are its number, from 1 and from 0."""
    number = 0
    with _batches(source.path) as batches:
        for batch in map(_proved, batches):
            if number + batch.num_rows <= start.offset:
                number += batch.num_rows
                continue
            skipped = max(start.offset - number, 0)
            number += skipped
            for first in range(skipped, batch.num_rows, _AT_ONCE):
                values = batch.slice(first, _AT_ONCE).to_pylist()
                yield from numbered(source.path, values, number, bad)
                number += len(values)


def arrow_size(path: Path) -> int:
    """How many rows the file has; their values are not looked at.

    Raises:
        Refusal: it is no Arrow file, or nothing here reads one.
    """
    with _batches(path) as batches:
        return sum(batch.num_rows for batch in batches)


@contextmanager
def _batches(path: Path) -> Iterator[Iterator[Any]]:
    """The batches of the file, as they come."""
    with told(path, "Arrow") as file:
        import pyarrow as pa

        head = file.read(len(_FILE))
        file.seek(0)
        if head == _FILE:
            with pa.ipc.open_file(file) as table:
                yield (table.get_batch(i) for i in range(table.num_record_batches))
        else:
            with pa.ipc.open_stream(file) as stream:
                yield iter(stream)


def _proved(batch: Any) -> Any:
    """The batch, where it is sound: what a file says of its own offsets is not believed."""
    batch.validate(full=True)
    return batch
