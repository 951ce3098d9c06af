"""Appends events to a run's `events.jsonl` and reads them back as they come."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import events as ev
from engine import faults

_BLOCK: Final = 1 << 20


class EventWriter:
    """Appends events, one line each, from any thread; a torn last line is cut before the first.

    An event that the disk refuses stays in memory and goes out with the next one: reporting
    must not end a run that could still finish.
    """

    def __init__(self, path: Path) -> None:
        cut_torn_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lock = threading.Lock()
        self._waiting = b""
        self.refused: OSError | None = None
        """The last refusal of the disk, None once everything is written."""

    def write(self, event: ev.Event) -> None:
        """Append one event."""
        with self._lock:
            self._waiting += ev.encode(event)
            self._push()

    def sync(self) -> None:
        """Force what was written to the disk; a file system without fsync is left as it is."""
        try:
            os.fsync(self._file)
        except OSError as error:
            self.refused = error

    def close(self) -> None:
        """Write what waits and close."""
        with self._lock:
            self._push()
        self.sync()
        os.close(self._file)

    def _push(self) -> None:
        try:
            while self._waiting:
                faults.append(self._file, self._waiting)
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]
            self.refused = None
        except OSError as error:
            self.refused = error


def cut_torn_line(path: Path) -> None:
    """Remove the bytes after the last newline, which a writer that was killed may have left."""
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            at = size
            while at > 0:
                start = max(at - _BLOCK, 0)
                file.seek(start)
                newline = file.read(at - start).rfind(b"\n")
                if newline >= 0:
                    at = start + newline + 1
                    break
                at = start
            if at < size:
                file.truncate(at)
    except FileNotFoundError:
        return


class EventReader:
    """Reads the whole lines that have come since the last call; a missing file is an empty one."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self.offset = offset

    def read(self, limit: int = _BLOCK) -> list[bytes]:
        """Whole lines after `offset`, about `limit` bytes of them at most, without their newline."""
        try:
            with self._path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(limit)
                while data and b"\n" not in data and (more := file.read(limit)):
                    data += more
        except FileNotFoundError:
            return []
        whole, newline, _ = data.rpartition(b"\n")
        if not newline:
            return []
        self.offset += len(whole) + 1
        return whole.split(b"\n")

    def __iter__(self) -> Iterator[bytes]:
        """Every line there is now."""
        while lines := self.read():
            yield from lines
