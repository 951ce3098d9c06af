"""Where the rows of a file begin, so that any of them can be read without those before it."""

from __future__ import annotations

import json
import shutil
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from engine.data.read.rows import is_direct, kind_of, seen_of
from engine.data.read.rows_arrow import arrow_size
from engine.data.read.rows_parquet import parquet_size
from engine.data.read.source import Source
from engine.data.refusal import Bad, passed_over
from engine.data.row import Row, Start

_STRIDE: Final = 32
"""Rows from one mark to the next: a million rows cost half a megabyte, and 31 are read in vain at worst."""
_COPY_BYTES: Final = 2 << 30
"""Of a copy of the rows, at most."""
_COPY_SHARE: Final = 0.25
"""Of the room that is free where temporary files lie, at most: others need some too."""

_COUNTS: Final[dict[str, Callable[[Path], int]]] = {".parquet": parquet_size, ".arrow": arrow_size}
"""What tells how many rows a file has without reading them."""


class RowIndex:
    """Grows while a file is read from its top, and gives any row that was met.

    Most files are read anew from the nearest mark. One that cannot be entered in its middle (packed, SQuAD,
    columns) is copied row by row to a temporary file without a name, which goes with this process however it
    ends; marks within a packed stream would do for gzip only. A file that is too large for a copy is read
    from its top again, slowly.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Source(path)
        self.count = 0
        self.share = 0.0
        """How much of the file `read` has read, 0 to 1."""
        self._offsets = array("Q")
        """Of every mark, in the file or in its copy."""
        self._lines = array("Q")
        self._direct = True
        self._copy: BinaryIO | None = None

    def read(self, bad: Bad | None = None) -> Iterator[Row]:
        """The rows from the top on, each of which is counted once the next one is asked for.

        Raises:
            Refusal: as `read_rows`.
        """
        count = _COUNTS.get(kind_of(self.path))
        whole = count(self.path) if count is not None else 0
        for row in seen_of(self.source, bad=bad):
            packed = self.source.packed
            share = self.source.share if packed else row.offset / max(whole or self.source.size, 1)
            self.share = min(max(self.share, share), 1.0)
            yield row
            self.add(row)
        self.share = 1.0

    def add(self, row: Row) -> None:
        """Count the next row of the file."""
        if not self.count and not is_direct(self.source):
            self._direct, self._copy = False, tempfile.TemporaryFile()  # noqa: SIM115
        if self.count % _STRIDE == 0:
            self._mark(row)
        if self._copy is not None:
            try:
                self._copy.write(json.dumps([row.line, row.offset, row.values]).encode() + b"\n")
            except OSError:  # the disk is full
                self._drop(self._copy)
        self.count += 1

    def at_line(self, line: int) -> int | None:
        """The first row that begins on a line; None where none does.

        Raises:
            Refusal: the file has changed since and cannot be read any more.
        """
        mark = bisect_left(self._lines, line)
        if mark == len(self._lines) or self._lines[mark] != line:
            mark -= 1
        first = max(mark, 0) * _STRIDE
        rows = enumerate(self.rows(first, _STRIDE), first)
        return next((number for number, row in rows if row.line == line), None)

    def rows(self, first: int, count: int = 1) -> list[Row]:
        """`count` rows from row `first` on, fewer at the end of what was met.

        Raises:
            Refusal: the file has changed since and cannot be read any more.
        """
        count = min(count, self.count - first)
        if first < 0 or count <= 0:
            return []
        mark = first // _STRIDE
        skipped = first - mark * _STRIDE
        if self._copy is not None:
            found = list(islice(self._copied(self._copy, self._offsets[mark]), skipped, skipped + count))
            self._copy.seek(0, 2)
            return found
        if self._direct:
            rows = seen_of(self.source, Start(self._offsets[mark], self._lines[mark]), passed_over)
        else:
            rows, skipped = seen_of(self.source, bad=passed_over), first
        return list(islice(rows, skipped, skipped + count))

    def _mark(self, row: Row) -> None:
        self._lines.append(row.line)
        at = self._copy.tell() if self._copy is not None else row.offset
        self._offsets.append(at)
        if self._copy is None:
            return
        if at > min(_COPY_BYTES, shutil.disk_usage(tempfile.gettempdir()).free * _COPY_SHARE):
            self._drop(self._copy)

    def _drop(self, copy: BinaryIO) -> None:
        """Go on without a copy."""
        self._copy = None
        with suppress(OSError):
            copy.close()

    def _copied(self, copy: BinaryIO, offset: int) -> Iterator[Row]:
        copy.seek(offset)
        for written in copy:
            line, before, values = json.loads(written)
            yield Row(str(self.path), line, values, before)
