"""Appends events to a run's `events.jsonl` and reads them back as they come."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic, faults, room
from engine import events as ev
from engine.reading import opened
from engine.secrets import hidden_in

_BLOCK: Final = 1 << 20
_NUMBERS: Final = (ev.Step, ev.Heartbeat, ev.Progress)
_RESERVE: Final = 1 << 16
"""Bytes that the file holds beyond its end: some hundred events."""
_RETRY: Final = 1.0
"""Seconds between two looks whether a full disk has room again."""


class EventWriter:
    """Appends events, one line each, from any thread; a torn last line is cut before the first.

    An event that the disk refuses stays in memory and goes out with the next one: reporting
    must not end a run that could still finish. The file holds some blocks more than it needs, so that
    there is room on a full disk for the events that say so; whoever writes has to wait while it is `short`.
    """

    def __init__(self, path: Path) -> None:
        cut_torn_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
        self._lock = threading.Lock()
        self._waiting = b""
        self._ahead = 0
        self._next_try = 0.0
        self.refused: OSError | None = None
        """The last refusal of the disk, None once everything is written."""
        self._lean: OSError | None = None
        with self._lock:
            self._reserve()

    def write(self, event: ev.Event) -> None:
        """Append one event; a heartbeat that the disk has no room for is forgotten."""
        with self._lock:
            if isinstance(event, ev.Heartbeat) and (self._waiting or self._lean):
                return
            self._waiting += _line(event)
            self._push()

    def short(self) -> bool:
        """True while the disk has no room for the events to come; asked again and again, it tries again."""
        if self.refused is None and self._lean is None:
            return False
        now = time.monotonic()
        if now < self._next_try:
            return True
        self._next_try = now + _RETRY
        with self._lock:
            self._push()
            self._reserve()
            return self.refused is not None or self._lean is not None

    def sync(self) -> None:
        """Force what was written to the disk; a file system without fsync is left as it is."""
        try:
            os.fsync(self._file)
        except OSError as error:
            self.refused = error

    def close(self) -> None:
        """Write what waits, give back the blocks that were not needed, and close."""
        with self._lock:
            self._push()
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, os.fstat(self._file).st_size)
        self.sync()
        os.close(self._file)

    def _push(self) -> None:
        try:
            while self._waiting:
                faults.append(self._file, self._waiting)
                written = os.write(self._file, self._waiting)
                self._waiting = self._waiting[written:]
                self._ahead -= written
            self.refused = None
        except OSError as error:
            self.refused = error
        if self._ahead < _RESERVE // 2:
            self._reserve()

    def _reserve(self) -> None:
        try:
            room.reserve(self._file, os.fstat(self._file).st_size, _RESERVE)
            self._ahead, self._lean = _RESERVE, None
        except OSError as error:
            self._lean = error


def append(path: Path, events: Sequence[ev.Event]) -> None:
    """Append `events` to a file that no one else writes, all of them or none.

    Raises:
        OSError: the disk has no room; the file is as it was.
    """
    cut_torn_line(path)
    atomic.append(path, b"".join(map(_line, events)))


def _line(event: ev.Event) -> bytes:
    """The event without secrets; those that hold numbers alone are spared the search."""
    line = ev.encode(event)
    if isinstance(event, _NUMBERS):
        return line
    plain = msgspec.json.decode(line)
    hidden = msgspec.json.encode(hidden_in(plain) | {"event": plain["event"]}) + b"\n"
    return hidden if ev.decode(hidden) is not None else line  # a secret that is a word of ours is none


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
    """Reads the whole lines that have come since the last call; what cannot be read is empty."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self.offset = offset

    def read(self, limit: int = _BLOCK) -> list[bytes]:
        """Whole lines after `offset`, about `limit` bytes of them at most, without their newline."""
        try:
            with opened(self._path) as file:
                file.seek(self.offset)
                data = file.read(limit)
                while data and b"\n" not in data and (more := file.read(limit)):
                    data += more
        except OSError:  # not there yet, no file at all, or a network file system that hesitates
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
