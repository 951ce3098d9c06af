"""How often the kernel has ended a process because memory ran out, as far as it tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from engine import kernel_log
from engine.doctor import cgroup
from engine.text import one_line


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
    about = re.compile(rf"[Oo]ut of memory.* [Kk]illed? process {pid}\b")
    found = [line.text for line in kernel_log.lines(log) if about.search(line.text)]
    return one_line(found[-1], 200) if found else ""
