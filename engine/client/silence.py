"""Why an engine that is there does not answer, in words for people."""

from __future__ import annotations

from typing import Final

import psutil

FORCE: Final = "`openlora engine stop --force` ends it; runs go on."


def stopped(pid: int) -> bool:
    """True where the process was stopped, by SIGSTOP or ctrl+z or a debugger."""
    return _status(pid) in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


def why_silent(pid: int | None) -> str:
    """What keeps the engine with that process id from answering, and what to do about it."""
    status = None if pid is None else _status(pid)
    match status:
        case None:
            return "The engine does not answer."
        case psutil.STATUS_STOPPED:
            return f"The engine is stopped; `kill -CONT {pid}` lets it go on."
        case psutil.STATUS_TRACING_STOP:
            return f"The engine (process {pid}) is held by a debugger."
        case psutil.STATUS_DISK_SLEEP:
            return f"The engine (process {pid}) waits for the disk, or for a network file system."
        case _:
            return f"The engine (process {pid}) does not answer: it is busy, or does not know the request."


def _status(pid: int) -> str | None:
    try:
        return psutil.Process(pid).status()
    except psutil.Error:
        return None
