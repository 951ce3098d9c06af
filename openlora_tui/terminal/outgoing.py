"""Text to the terminal, sent by a thread of its own, so that a slow or stopped terminal stops nobody."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from rich.cells import cell_len

_PIECE: Final = 4096
_BEHIND: Final = 0.05
_STUCK: Final = 2.0


class Outgoing:
    """Takes text at once, sends it in order, and tells when it has caught up or the terminal is gone.

    Both are told in the thread: `caught_up` after each time that the terminal had been behind.
    """

    def __init__(
        self, file: int, *, utf8: bool, caught_up: Callable[[], None], gone: Callable[[], None]
    ) -> None:
        self._file = file
        self._encode = _utf8 if utf8 else _ascii
        self._caught_up = caught_up
        self._gone = gone
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._since = 0.0
        """When the sending of what is under way began."""
        self._moved = 0.0
        """When the terminal last took something."""
        self._busy = False
        self._closing = False
        self._lost = False
        self._told_behind = False
        self._thread = threading.Thread(target=self._run, name="outgoing", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue `text`; nothing is queued for a terminal that is gone."""
        with self._changed:
            if self._lost:
                return
            if not self._busy and not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(self._encode(text))
            self._changed.notify_all()

    def behind(self) -> bool:
        """True while text from some time ago has not been taken; `caught_up` follows."""
        with self._changed:
            late = (self._busy or bool(self._waiting)) and time.monotonic() - self._since > _BEHIND
            self._told_behind = self._told_behind or late
            return late

    def close(self) -> None:
        """Send what waits and end; a terminal that takes nothing for two seconds is not waited for."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._moved = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - self._moved < _STUCK:
            self._thread.join(0.05)

    def _run(self) -> None:
        while (data := self._next()) is not None:
            try:
                self._send(data)
            except OSError:
                self._lose()
                return

    def _next(self) -> bytes | None:
        with self._changed:
            self._busy = False
            if not self._waiting and self._told_behind:
                self._told_behind = False
                self._caught_up()
            while not self._waiting:
                if self._closing:
                    return None
                self._changed.wait()
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._busy, self._since = True, time.monotonic()
            return data

    def _send(self, data: bytes) -> None:
        while data:
            # A terminal that other programs share may have been set not to block.
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._file, data[:_PIECE]) :]
                self._moved = time.monotonic()
                continue
            select.select([], [self._file], [], 1.0)

    def _lose(self) -> None:
        with self._changed:
            self._lost = True
            self._waiting.clear()
        self._gone()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _ascii(text: str) -> bytes:
    """A question mark for each cell that another character would take."""
    if not text.isascii():
        text = "".join(char if char < "\x80" else "?" * cell_len(char) for char in text)
    return text.encode("ascii")
