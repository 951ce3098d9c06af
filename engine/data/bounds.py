"""Bounds the time and the memory of a program that came with a model, such as its chat template."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SECONDS: Final = 5.0
"""Of computing, not of the clock: a busy machine, or one that slept, is no reason to give up."""
ROOM: Final = 1 << 30
"""Bytes that it may take beyond what the process holds."""
_AGAIN: Final = 1.0


class TooLong(Exception):
    """The program did not come to an end in its time."""

    def __init__(self) -> None:
        super().__init__(f"It did not come to an end in {SECONDS:.0f} seconds of computing.")


@contextmanager
def bounded() -> Iterator[None]:
    """The body may compute for so long and take so much memory; for the main thread of a process.

    Raises:
        TooLong: it computed on.
        MemoryError: it asked for more.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("only the main thread can be stopped in its work")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _held() + ROOM
    resource.setrlimit(
        resource.RLIMIT_AS, (limit if soft == resource.RLIM_INFINITY else min(soft, limit), hard)
    )
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong


def _held() -> int:
    """Bytes of address space that this process has."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
