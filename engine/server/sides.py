"""Side jobs: workers that talk with one front end and leave with it, such as a chat."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import msgspec

from engine import messages as m
from engine.bus import Mailboxes
from engine.leases.asked import CPU
from engine.leases.cards import Lease
from engine.postmortem import signal_name
from engine.problem import WORK_FAILED, Problem
from engine.server.fronts import Fronts
from engine.server.workers import Workers, begins, no_worker

HEAVY: Final[frozenset[m.SideJob]] = frozenset({"chat", "estimate", "perplexity", "starter"})
"""Those that need torch."""
ON_CARD: Final[frozenset[m.SideJob]] = frozenset({"chat", "perplexity"})
"""Those that are given a card if one is free."""
_GRACE: Final = 5.0
"""Seconds that a side job has to leave by itself."""


class _Side(msgspec.Struct):
    """One side job."""

    id: str
    front: str
    job: m.SideJob
    device: str
    process: subprocess.Popen[bytes]
    console: Path
    doomed: float | None = None
    """When it is killed if it has not left by then, on the monotonic clock."""
    failed: bool = False
    seen_dead: bool = False


class Sides:
    """All side jobs of this engine; none outlives it."""

    def __init__(self, root: Path, boxes: Mailboxes, fronts: Fronts, workers: Workers) -> None:
        self._folder = root / "sides"
        self._boxes = boxes
        self._fronts = fronts
        self._workers = workers
        self._sides: dict[str, _Side] = {}
        self._numbers = itertools.count(1)
        for left in self._folder.glob("*.log"):
            left.unlink(missing_ok=True)

    @property
    def heavy(self) -> bool:
        """True while one of them works with torch; after an estimate a run should find a spare worker."""
        return any(side.job in HEAVY - {"estimate"} for side in self._sides.values())

    def held(self) -> dict[str, str]:
        """Who holds each card, in words; the CPU is shared."""
        return {
            side.device: f"which a {side.job} holds" for side in self._sides.values() if side.device != CPU
        }

    def begin(self, begin: m.Begin, lease: Lease) -> str:
        """Start a side job on what it was given; returns its id.

        Raises:
            Problem: where no process can be started.
        """
        id = f"side-{os.getpid()}-{next(self._numbers)}"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        console = self._folder / f"{id}.log"
        serve = m.Serve(
            side=id,
            job=begin.job,
            spec=begin.spec,
            context=begin.context,
            device=lease.name,
            console=str(console),
        )
        try:
            process = self._workers.serve(serve, lease, heavy=begin.job in HEAVY)
        except OSError as error:
            raise no_worker(begin.context, error) from error
        logging.info("%s: %s for %s, worker %d on %s", id, begin.job, begin.front, process.pid, lease.name)
        self._sides[id] = _Side(id, begin.front, begin.job, lease.name, process, console)
        return id

    def hand_over(self, message: m.Tell | m.End) -> None:
        """From the front end to its side job."""
        side = self._sides.get(message.side)
        if side is None or side.front != message.front:
            return
        self._boxes.put(side.id, [m.encode(message)])
        if isinstance(message, m.End):
            side.doomed = side.doomed or time.monotonic() + _GRACE

    def pass_on(self, message: m.Said | m.Ended) -> None:
        """From a side job to its front end."""
        side = self._sides.get(message.side)
        if side is None:
            return
        self._fronts.send([side.front], message)
        if isinstance(message, m.Ended):
            side.doomed = side.doomed or time.monotonic() + _GRACE
            side.failed = message.problem is not None

    def follow(self) -> None:
        """Let those go whose front end has left, and say the last word for those that died."""
        now = time.monotonic()
        for side in list(self._sides.values()):
            if side.doomed is None and self._fronts.get(side.front) is None:
                self.hand_over(m.End(front=side.front, side=side.id))
            if side.doomed is not None and now > side.doomed:
                _kill(side)
            if side.seen_dead:
                self._bury(side)
            # What it said last may still wait in the engine's mailbox: it is buried a tick later.
            side.seen_dead = side.process.poll() is not None

    def close(self) -> None:
        """End them all."""
        for side in self._sides.values():
            _kill(side)
        self._sides.clear()

    def _bury(self, side: _Side) -> None:
        del self._sides[side.id]
        self._boxes.close(side.id)
        self._boxes.close(begins(side.id))
        if side.doomed is None:
            self._fronts.send([side.front], m.Ended(side=side.id, problem=_died(side).as_dict()))
            logging.warning("%s died with status %s", side.id, side.process.returncode)
        elif not side.failed:
            side.console.unlink(missing_ok=True)


def _kill(side: _Side) -> None:
    try:
        os.killpg(side.process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        side.process.kill()


def _died(side: _Side) -> Problem:
    name = signal_name(side.process.returncode)
    how = f"was killed by {name}" if name else f"ended with status {side.process.returncode}"
    return Problem(
        f"The process of the {side.job} {how} without a word.",
        where=str(side.console),
        why="Memory may have run out." if name == "SIGKILL" else "Native code may have crashed.",
        do="The console has its last lines.",
        exit_status=WORK_FAILED,
    )
