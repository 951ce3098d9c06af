"""The most memory that each phase of a job takes, measured from outside of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil

from engine import events as ev

_FIRST: Final = "reading data"
"""The phase in which the libraries are loaded and nothing of the job is yet."""
_SELF: Final = Path("/proc/self")
_FORGET_PEAK: Final = "5"
"""Written to clear_refs, it lets the kernel begin the peak of resident memory anew (proc(5))."""
_MORE: Final = 1.01
"""A peak is told again once it has grown by a hundredth, so that there are few events."""


class Appetite:
    """Watches what a job holds: on the accelerator by its allocator's count, else resident in memory.

    Resident memory is counted above what the loaded libraries take. Both threads of a worker come here.
    """

    def __init__(self, report: Callable[[ev.Event], None]) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._process = psutil.Process()
        self._libraries: int | None = None
        self._phase = ""
        self._told: dict[str, int] = {}

    def enter(self, phase: str) -> None:
        """The phase before is over, and `phase` begins with a peak of its own."""
        with self._lock:
            self._tell()
            self._phase = phase
            if phase == _FIRST:
                self._libraries = self._process.memory_info().rss
            _begin_anew()

    def look(self) -> None:
        """Report the present phase's peak if it has grown."""
        with self._lock:
            self._tell()

    def _tell(self) -> None:
        if self._libraries is None or not self._phase:
            return
        bytes_, reserved = _device_peaks() or (max(self._resident_peak() - self._libraries, 0), 0)
        if bytes_ <= self._told.get(self._phase, 0) * _MORE:
            return
        self._told[self._phase] = bytes_
        self._report(ev.Measured(phase=self._phase, bytes=bytes_, reserved=reserved))

    def _resident_peak(self) -> int:
        try:
            for line in (_SELF / "status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
        except (OSError, ValueError, IndexError):
            pass
        return int(self._process.memory_info().rss)


def _cuda() -> Any:
    """torch's part for the accelerator where it is in use."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


def _device_peaks() -> tuple[int, int] | None:
    """Bytes that tensors took at most on the accelerator in use, and that its allocator held for them."""
    cuda = _cuda()
    return (int(cuda.max_memory_allocated()), int(cuda.max_memory_reserved())) if cuda else None


def _begin_anew() -> None:
    if cuda := _cuda():
        cuda.reset_peak_memory_stats()
    try:
        (_SELF / "clear_refs").write_text(_FORGET_PEAK)
    except OSError:
        return  # what follows then counts what came before, too
