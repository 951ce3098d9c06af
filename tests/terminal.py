"""A program in a pseudo-terminal, watched from outside as a person's terminal would be."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte


class Terminal:
    """Runs `command` at `columns` x `rows`; counts its bytes and keeps its screen."""

    def __init__(
        self, command: Sequence[str], columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.bytes = 0
        self._stream = pyte.ByteStream(self.screen)
        self.started = time.monotonic()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            size = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)}
            os.execvpe(command[0], list(command), {**os.environ, **size, **(env or {})})
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._file)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def pump(self, seconds: float) -> int:
        """Read for so long; returns how many bytes came."""
        before, end = self.bytes, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)
        return self.bytes - before

    def until(self, text: str, seconds: float = 60.0) -> float:
        """Read until `text` is on the screen; returns seconds since the start."""
        end = time.monotonic() + seconds
        while text not in self.text:
            if time.monotonic() > end:
                raise TimeoutError(f"{text!r} did not appear; the screen:\n{self.text}")
            self._read(0.02)
        return time.monotonic() - self.started

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._file, keys.encode())

    def answer(self, keys: str, seconds: float = 2.0) -> float:
        """Type, and return the seconds until the first byte of the answer."""
        pressed, before = time.monotonic(), self.bytes
        self.press(keys)
        while self.bytes == before and time.monotonic() - pressed < seconds:
            self._read(0.001)
        return time.monotonic() - pressed

    def _read(self, seconds: float) -> None:
        if not select.select([self._file], [], [], seconds)[0]:
            return
        try:
            data = os.read(self._file, 1 << 16)
        except OSError:
            data = b""
        self.bytes += len(data)
        if not data:
            time.sleep(min(seconds, 0.05))
        self._stream.feed(data)


def spread(values: Sequence[float], unit: str, digits: int = 3) -> str:
    """Median with minimum and maximum."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"
