"""A program in a pseudo-terminal, watched from outside as a person's terminal would be."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

# Modes that a program must not leave behind: other screens, mouse, focus, and paste in brackets.
_MODE = re.compile(rb"\x1b\[\?(\d+)([hl])")
_SHOWN_CURSOR, _WRAP = 25, 7


class Terminal:
    """Runs `command` at `columns` x `rows`; counts its bytes and keeps its screen."""

    def __init__(
        self, command: Sequence[str], columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.bytes = 0
        self.raw = bytearray()
        self.status: int | None = None
        """The exit status once it has ended; below zero for a signal."""
        self._stream = pyte.ByteStream(self.screen)
        self.started = time.monotonic()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            size = {"COLUMNS": str(columns), "LINES": str(rows)}
            person = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
            os.execvpe(command[0], list(command), {**os.environ, **size, **person, **(env or {})})
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.first_state = termios.tcgetattr(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        self.hang_up()

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
        self.press_bytes(keys.encode())

    def press_bytes(self, data: bytes) -> None:
        """Send what no keyboard would."""
        os.write(self._file, data)

    def until_true(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        """Read until `true()`."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise TimeoutError(f"it did not come true; the screen:\n{self.text}")
            self._read(0.02)

    def until_ended(self, seconds: float = 30.0) -> int:
        """Read until the program has ended; its exit status, below zero for a signal."""

        def ended() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return bool(pid)

        self.until_true(ended, seconds)
        while self._file >= 0 and select.select([self._file], [], [], 0)[0] and self._read(0):
            pass
        assert self.status is not None
        return self.status

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, of which the program gets a SIGWINCH."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, number: signal.Signals) -> None:
        """Signal the program."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def modes_left(self) -> set[str]:
        """What was switched on and not off again, of screens, mouse, focus and paste; and a hidden cursor."""
        modes = {int(mode): switch == b"h" for mode, switch in _MODE.findall(self.raw)}
        hidden = set() if modes.pop(_SHOWN_CURSOR, True) else {"hidden cursor"}
        return hidden | {str(mode) for mode, on in modes.items() if on and mode != _WRAP}

    @property
    def given_back(self) -> bool:
        """True where line discipline, screen, cursor, mouse and paste are as they were at the start."""
        return not self.modes_left() and termios.tcgetattr(self._file) == self.first_state

    def answer(self, keys: str, seconds: float = 2.0) -> float:
        """Type, and return the seconds until the first byte of the answer."""
        pressed, before = time.monotonic(), self.bytes
        self.press(keys)
        while self.bytes == before and time.monotonic() - pressed < seconds:
            self._read(0.001)
        return time.monotonic() - pressed

    def sip(self, seconds: float, a_second: int) -> None:
        """Read for so long, as slowly as over a line of so many bytes a second."""
        end, moment = time.monotonic() + seconds, 0.05
        while time.monotonic() < end:
            self._read(0, most=int(a_second * moment))
            time.sleep(moment)

    def _read(self, seconds: float, most: int = 1 << 16) -> int:
        if self._file < 0:
            time.sleep(seconds)
            return 0
        if not select.select([self._file], [], [], seconds)[0]:
            return 0
        try:
            data = os.read(self._file, most)
        except OSError:
            data = b""
        self.bytes += len(data)
        self.raw += data
        if not data:
            time.sleep(min(seconds, 0.05))
        self._stream.feed(data)
        return len(data)


def spread(values: Sequence[float], unit: str, digits: int = 3) -> str:
    """Median with minimum and maximum."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"
