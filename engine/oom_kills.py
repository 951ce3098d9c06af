"""How often the kernel has ended a process because memory ran out, as far as it tells."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from engine.doctor import cgroup
from engine.text import one_line

_RECORDS: Final = 4096
_RECORD: Final = 8192
"""Bytes of the longest record of the kernel's log (/dev/kmsg)."""


class Kills(NamedTuple):
    """Counts since the machine or the control group began; None where the kernel does not tell."""

    group: int | None
    machine: int | None


def counted(root: Path = Path("/")) -> Kills:
    """The present counts of this process's control group (`memory.events`) and machine (`/proc/vmstat`)."""
    try:
        said = re.search(r"^oom_kill (\d+)$", (root / "proc/vmstat").read_text(), re.M)
    except OSError:
        said = None
    return Kills(cgroup.oom_kills(root), int(said[1]) if said else None)


def logged(pid: int, log: Path = Path("/dev/kmsg")) -> str:
    """The kernel's own line about its kill of process `pid`; empty where none can be read."""
    found = ""
    try:
        file = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        for _ in range(_RECORDS):
            record = os.read(file, _RECORD)
            for line in record.decode("utf-8", "replace").splitlines():
                if re.search(rf"[Oo]ut of memory.* [Kk]illed? process {pid}\b", line):
                    found = one_line(line.partition(";")[2] or line, 200)
            if not record:
                break
    except OSError:
        pass  # EAGAIN: that was the last record
    finally:
        os.close(file)
    return found
