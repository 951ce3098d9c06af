"""`openlora engine`: the process behind the runs, which mostly starts and leaves by itself."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
import uuid
from pathlib import Path
from typing import Final

import msgspec
import psutil

from engine import __version__, bus, paths
from engine import messages as m
from engine.alone import holder
from engine.client.silence import FORCE, stopped, why_silent
from engine.client.skew import difference
from engine.problem import WORK_FAILED, Problem
from engine.run_state import ENDED
from openlora_tui.figures import duration

HELP: Final = "show the engine behind the runs, end it (stop), or keep it running (--stay)"
_LEAVING: Final = 10.0
_ALL: Final = 100_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument(
        "act", nargs="?", choices=("status", "stop"), default="status", metavar="status|stop",
        help="show it, or end it [status]",
    )  # fmt: skip
    parser.add_argument(
        "--stay", action="store_true", help="serve here until stopped, even when nothing runs"
    )
    parser.add_argument("--stop", action="store_const", const="stop", dest="act", help=argparse.SUPPRESS)
    parser.add_argument(
        "--force",
        action="store_true",
        help="with stop: while runs are live too, and where it does not answer",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Show the engine, end it, or become it."""
    root = paths.home()
    if args.stay:
        os.environ["OPENLORA_HOME"] = str(root)
        os.execv(sys.executable, [sys.executable, "-P", "-m", "engine.server", "--stay"])
    about = look(root)
    return stop(root, about, force=args.force) if args.act == "stop" else _show(about, as_json=args.json)


class About(msgspec.Struct, kw_only=True):
    """What there is to know of a home's engine."""

    home: str
    pid: int | None
    answers: bool = False
    why: str = ""
    """Why it does not answer."""
    version: str = ""
    difference: str = ""
    attached: int = 0
    """Other front ends than this command."""
    runs: list[m.RunRow] = []
    """Those that have not ended."""


def look(root: Path) -> About:
    """What is known of the home's engine; none is started for it."""
    about = About(home=str(root), pid=holder(root) or _living(bus.engine_pid(root)))
    if about.pid is None:
        return about
    with contextlib.suppress(*bus.LOST):
        if not stopped(about.pid):
            _ask(root, about)
    if not about.answers:
        about.why = why_silent(about.pid)
    return about


def _ask(root: Path, about: About) -> None:
    """Greet the engine and ask for its runs; it is never started for this."""
    front = f"front-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    hello = m.Hello(front=front, pid=os.getpid(), version=__version__)
    listing = m.ListRuns(front=front, request=front, limit=_ALL)
    boxes = bus.connect(root)
    came = boxes.exchange(front, [m.encode(hello), m.encode(listing)])
    end = time.monotonic() + bus.PATIENCE
    while time.monotonic() < end and not about.answers:
        for message in map(m.to_front, came):
            if isinstance(message, m.Welcome):
                about.version, about.difference = message.version, difference(message)
                about.attached = max(message.attached - 1, 0)
            if isinstance(message, m.Runs) and message.request == front:
                about.runs = [row for row in message.rows if row.status not in ENDED]
                about.answers = True
        time.sleep(0.02)
        came = boxes.exchange(front, [])
    boxes.exchange(front, [m.encode(m.Bye(front=front))])


def _show(about: About, *, as_json: bool) -> int:
    if as_json:
        runs = [row.run for row in about.runs]
        document = {**msgspec.structs.asdict(about), "running": about.pid is not None, "runs": runs}
        print(msgspec.json.encode(document).decode())
    elif about.pid is None:
        print("no engine runs; the next command that needs one starts it")
    else:
        for label, value in _facts(about, about.pid):
            print(f"{label:<9} {value}")
    return WORK_FAILED if about.why else 0


def _facts(about: About, pid: int) -> list[tuple[str, str]]:
    facts = [
        ("engine", f"process {pid}{f', version {about.version}' if about.version else ''}{_life(pid)}"),
        ("home", about.home),
        ("attached", f"{about.attached} front end{'' if about.attached == 1 else 's'}"),
        ("runs", _of_runs(about.runs) or "none that has not ended"),
    ]
    if about.why:
        facts[2:] = [("silent", about.why)]
    return [*facts, ("version", about.difference)] if about.difference else facts


def _life(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        age = duration(max(time.time() - process.create_time(), 0))
        return f", up for {age}, {process.memory_info().rss / 2**20:.0f} MiB"
    except psutil.Error:
        return ""


def stop(root: Path, about: About, *, force: bool) -> int:
    """End the engine; without `force` only one that answers and has no work.

    Raises:
        Problem: it was not ended.
    """
    if about.pid is None:
        print("no engine runs", file=sys.stderr)
        return 0
    if not about.answers and not force:
        raise Problem(about.why, do=FORCE, exit_status=WORK_FAILED)
    if about.runs and not force:
        raise Problem(
            f"The engine has work: {_of_runs(about.runs)}.",
            why="Training goes on without an engine; what waits starts with the next one.",
            do="`openlora engine stop --force` ends it all the same; `openlora runs stop RUN` ends a run.",
            exit_status=WORK_FAILED,
        )
    if not (about.answers and _left(root, about.pid)):
        if not force:
            raise Problem(
                f"The engine (process {about.pid}) has not left.", do=FORCE, exit_status=WORK_FAILED
            )
        _kill(about.pid)
    _tell_end(about)
    return 0


def _left(root: Path, pid: int) -> bool:
    """Ask it to leave, and wait until it has."""
    with contextlib.suppress(*bus.LOST):
        bus.connect(root).exchange("leave", [m.encode(m.Leave(front="leave"))])
    end = time.monotonic() + _LEAVING
    while _living(pid) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _kill(pid: int) -> None:
    if _living(pid) is None:
        return
    process = psutil.Process(pid)
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=_LEAVING)


def _living(pid: int | None) -> int | None:
    """The process id, if it is that of a living engine."""
    try:
        process = None if pid is None else psutil.Process(pid)
        alive = process is not None and process.status() != psutil.STATUS_ZOMBIE
        return pid if alive and process is not None and "engine.server" in process.cmdline() else None
    except psutil.Error:
        return None


def _tell_end(about: About) -> None:
    left = f"; without it: {_of_runs(about.runs)}, which the next one takes over" if about.runs else ""
    print(f"the engine left{left}", file=sys.stderr)
    if about.attached:
        print("a front end is attached and starts the next engine", file=sys.stderr)


def _of_runs(rows: list[m.RunRow]) -> str:
    waiting = [row.run for row in rows if row.status == "queued"]
    working = [row.run for row in rows if row.status != "queued"]
    parts = [f"run {', '.join(working)} at work"] if working else []
    return "; ".join([*parts, f"{len(waiting)} in the queue"] if waiting else parts)
