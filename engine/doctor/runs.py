"""The engine, the runs that have not ended, and what OpenLoRA leaves open or lying about."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from engine import __version__, paths
from engine import messages as m
from engine.alone import holder
from engine.client.link import Link
from engine.client.silence import FORCE, stopped, why_silent
from engine.client.skew import REPLACE, difference
from engine.client.start import log_file
from engine.doctor.check import Check, gib, good, note, warning
from engine.problem import Problem
from engine.run_dir import RunDir, live_runs

_PATIENCE: Final = 4.0
_LARGE_LOG: Final = 100 << 20
_SHOWN: Final = 4


def look() -> Iterator[Check]:
    """All that can be told without starting an engine."""
    try:
        root = paths.home()
        folder = paths.socket_folder()
    except Problem:
        return  # storage says it
    yield engine_check(root)
    yield from live_checks(root)
    yield _ports(root)
    yield _others(root, folder)
    yield log_check(root)


def engine_check(root: Path) -> Check:
    """Does one run, does it answer, and is it of this version?"""
    pid = holder(root)
    if pid is None:
        return good("engine", "none runs; the first command that needs one starts it")
    welcome = None if stopped(pid) else _greet(root)
    if welcome is None:
        do = f"{FORCE} {log_file(root)} may say why."
        return warning("engine", f"process {pid}: {why_silent(pid)}", do)
    found = f"process {welcome.pid}, version {welcome.version}"
    if difference(welcome):
        return note("engine", f"{found}, while this is {__version__}", REPLACE)
    return good("engine", found)


def _greet(root: Path) -> m.Welcome | None:
    link = Link(root, start_engine=False)
    link.start()
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        for message in link.receive():
            if isinstance(message, m.Welcome):
                link.close()
                return message
        time.sleep(0.02)
    return None  # its thread may wait for ever; nobody waits for the thread


def live_checks(root: Path) -> Iterator[Check]:
    """The workers of the runs that have not ended."""
    working: list[str] = []
    waiting: list[str] = []
    elsewhere: list[str] = []
    halted: list[str] = []
    gone: list[str] = []
    for run in live_runs(root):
        record = RunDir(root, run).worker()
        if record is None:
            waiting.append(run)
        elif not record.alive:
            (gone if record.host == os.uname().nodename else elsewhere).append(run)
        elif stopped(record.pid):
            halted.append(f"{run} (process {record.pid})")
        else:
            working.append(run)
    counts = ((working, "working"), (waiting, "waiting"), (elsewhere, "on another machine"))
    said = [f"{len(runs)} {word}: {_few(runs)}" for runs, word in counts if runs]
    yield good("live", "; ".join(said) or "no run is live")
    if halted:
        yield warning(
            "stopped", f"the worker of run {_few(halted)} is stopped", "kill -CONT PROCESS lets it go on."
        )
    if gone and holder(root) is None:
        do = "`openlora runs` notices it; then `openlora runs resume` goes on from the last checkpoint."
        yield note("stale", f"live by their record, with no worker: run {_few(gone)}", do)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _ports(root: Path) -> Check:
    pid = holder(root)
    try:
        connections = psutil.Process(pid).net_connections("inet") if pid is not None else []
    except psutil.Error:
        connections = []
    listening = sorted({one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN})
    if listening:
        ports = ", ".join(map(str, listening))
        return warning("ports", f"the engine listens on {ports}, which it never should", "Please report it.")
    return good("ports", "none: engine and front ends meet at a socket that only this user may open")


def _others(root: Path, folder: Path) -> Check:
    """Engines of this user that serve other homes."""
    found = set()
    for link in folder.glob("*.sock"):
        if not link.is_symlink() or link == paths.engine_link(root):
            continue
        try:
            pid = int(link.readlink().stem.rpartition("-")[2])
            found.add(psutil.Process(pid).environ()["OPENLORA_HOME"])
        except (ValueError, OSError, KeyError, psutil.Error):
            continue  # what an engine that was killed has left
    if not found:
        return good("homes", f"no other has an engine; sockets in {folder}")
    return good("homes", f"engines serve {_few(sorted(found))} as well; sockets in {folder}")


def log_check(root: Path) -> Check:
    """Where to read what went wrong."""
    logs = [path for path in (log_file(root), root / "openlora.log", root / "tui.log") if path.exists()]
    size = sum(path.stat().st_size for path in logs)
    names = ", ".join(path.name for path in logs)
    if not logs:
        return good("logs", f"none yet; they come to {root}")
    if size > _LARGE_LOG:
        return note(
            "logs", f"{names} in {root}: {gib(size)}", "Delete them when you like; nothing reads them."
        )
    return good("logs", f"{names} in {root}")
