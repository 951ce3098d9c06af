"""What the kernel has logged: read from its own buffer, else from the journal where that may be read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_KMSG: Final = Path("/dev/kmsg")
_RECORDS: Final = 1 << 17
"""More than any kernel keeps: its newest come last."""
_RECORD: Final = 8192
"""Bytes of the longest record of /dev/kmsg."""
_PATIENCE: Final = 2.0
"""Seconds that the journal may take."""


class Line(NamedTuple):
    """One line of the log."""

    t: float
    """Seconds since 1970; 0 where the line does not tell."""
    text: str


def lines(log: Path = _KMSG) -> Iterator[Line]:
    """The lines of the kernel's buffer, the oldest first; none where it may not be read."""
    try:
        file = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        for _ in range(_RECORDS):
            record = os.read(file, _RECORD)
            yield from map(_line, record.decode("utf-8", "replace").splitlines())
            if not record:
                return
    except OSError:
        return  # EAGAIN: that was the last record
    finally:
        os.close(file)


def lines_since(t: float, log: Path = _KMSG) -> list[Line]:
    """The lines since `t`, of the journal where the buffer may not be read."""
    found = list(lines(log))
    if not found and not os.access(log, os.R_OK):
        found = list(_journal(t))
    return [line for line in found if line.t >= t]


def _line(record: str) -> Line:
    """Priority, number, microseconds since boot and flags, then the text."""
    head, _, text = record.partition(";")
    fields = head.split(",")
    if not text or len(fields) < 3 or not fields[2].isdecimal():
        return Line(0.0, text or record)
    return Line(psutil.boot_time() + int(fields[2]) / 1e6, text)


def _journal(t: float) -> Iterator[Line]:
    words = ["journalctl", "-k", "-q", "--no-pager", "-o", "short-unix", "--since", f"@{int(t)}"]
    try:
        said = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return
    for line in said.stdout.splitlines()[-_RECORDS:]:
        when, _, rest = line.partition(" ")
        try:
            yield Line(float(when), rest.partition(": ")[2] or rest)
        except ValueError:
            continue
