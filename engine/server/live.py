"""A run that has not ended: its events as they come, and the process that works on it."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from engine import events as ev
from engine.event_log import EventReader, append
from engine.messages import JobContext, RunRow
from engine.recipe import Recipe
from engine.run_dir import RunDir, WorkerRecord, host_name
from engine.run_state import RunState, apply, fold

_SILENT: Final = 15.0
_GONE: Final = 600.0
"""Seconds of silence after which a worker of another machine has to hold its lock to count as alive."""
_BLOCK: Final = 1 << 18
"""Bytes of events in one go: about 10 ms of reading."""

_NO_FILE: Final = frozenset({errno.EISDIR, errno.ENXIO, errno.ESPIPE, errno.EINVAL, errno.ELOOP})
"""What is said of an `events.jsonl` that is no file."""


class LiveRun:
    """Follows one run from its queue to its end."""

    def __init__(self, directory: RunDir, state: RunState, context: JobContext) -> None:
        self.directory = directory
        self.state = state
        self.context = context
        self.process: subprocess.Popen[bytes] | None = None
        """The worker, where it is this engine's child; an adopted one is not."""
        self.adopted: WorkerRecord | None = None
        self.device: str | None = None
        """The device that it holds, None while it waits."""
        self.killed = False
        """True where a person had its worker ended at once; `hung` where the engine had."""
        self.hung = False
        self.saved = 0.0
        """When its state was last written to the store, on the monotonic clock."""
        self.changed = True
        self.stirred = True
        """True where something may have been written since it was last followed."""
        self.behind = True
        """True while there are events that were not read yet, as after an adoption."""
        self.recipe: Recipe | None = None
        """Its recipe, once that was read."""
        self.told: RunRow | None = None
        """What apps were last told of it."""
        self._heard = time.monotonic()
        self.has_model = False
        """True once its model is known to lie in a folder here."""
        self.need: int | None = None
        """Bytes of each of its cards that it will hold at its peak, as far as that can be told before."""
        self._reader = EventReader(directory.events, state.offset)

    @property
    def run(self) -> str:
        """The run's id."""
        return self.directory.run

    def follow(self) -> tuple[int, list[bytes]]:
        """Take what the worker has written: the number of the first new line, and the lines."""
        number, offset = self.state.events, self._reader.offset
        self.stirred = False
        lines = self._reader.read(_BLOCK)
        if lines:
            fold(lines, self.state)
            self.state.run = self.run  # a copied directory tells the number of its original
            self.state.offset = self._reader.offset
            self.changed, self._heard = True, time.monotonic()
        self.behind = self._reader.offset - offset > _BLOCK // 2
        return number, lines

    def write(self, *events: ev.Event) -> None:
        """Append events on the worker's behalf, only while no worker lives: all of them, or OSError."""
        append(self.directory.events, events)
        self.stirred = True

    def give_up(self, error: OSError) -> None:
        """Take the run for failed where its events are no file, so that not even its end can be written.

        Raises:
            OSError: anything else, which may pass, or a worker that holds the run.
        """
        if self.working or error.errno not in _NO_FILE:
            raise error
        logging.error("run %s: %s", self.run, error)
        what = "The run's events cannot be written."
        where, why = str(self.directory.events), f"{error.strerror or error}."
        apply(self.state, ev.Failed(run=self.run, steps=self.state.step, what=what, where=where, why=why))

    def take(self, process: subprocess.Popen[bytes], device: str) -> None:
        """A worker of this engine's took the run."""
        self.process, self.device, self.adopted = process, device, None
        self._heard = time.monotonic()

    @property
    def fetching(self) -> bool:
        """True while its worker fetches the model, before a device is taken."""
        return self.device == ev.HUB

    def release(self) -> None:
        """Its worker has done what it was for: the run waits again."""
        self.process = self.adopted = self.device = None

    def let_go(self) -> None:
        """Another process holds the run's lock after all: follow that one."""
        self.process = None
        self.adopt()

    def adopt(self) -> bool:
        """Follow a worker that another process started; False where none lives."""
        record = self.directory.worker()
        if record is None or not (record.alive or _elsewhere(record)):
            return False
        self.adopted = record
        if self.elsewhere:
            self._heard -= _age(self.directory.events)
        # Another machine's device is no device of ours.
        self.device = f"{record.device} of {record.host}" if self.elsewhere else record.device
        return self.working

    @property
    def working(self) -> bool:
        """True while a worker holds the run, as far as can be told from here."""
        if self.process is not None:
            return self.process.poll() is None
        if self.adopted is None:
            return False
        return self.adopted.alive or (self.elsewhere and self._held_elsewhere())

    def _held_elsewhere(self) -> bool:
        """True while another machine works on the run: it writes, or at least holds the run's lock."""
        if not self.directory.live:
            return False
        here = self.adopted is not None and self.adopted.here
        if not here and self._quiet < _GONE:
            return True
        # This kernel's locks tell the truth, as of another container; a network's do where they are kept.
        with self.directory.working() as free:
            return not free

    @property
    def _quiet(self) -> float:
        """Seconds since the run was heard, by the steady clock: wall clocks are set, and differ."""
        return time.monotonic() - self._heard

    @property
    def exit_code(self) -> int | None:
        """How the worker ended, where it was this engine's child."""
        return None if self.process is None else self.process.poll()

    @property
    def silent(self) -> bool:
        """True where a worker should be heard and is not."""
        # A run that a full disk has paused says why, and cannot say more.
        waits = self.state.status == "paused" and bool(self.state.reason)
        return self.device is not None and not waits and self._quiet > _SILENT

    def kill(self) -> None:
        """End the worker at once, and everything that it started."""
        pid = self.process.pid if self.process else self.adopted.pid if self.adopted else None
        if pid is None or not self.working or self.elsewhere:
            return
        self.killed = True
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)

    @property
    def elsewhere(self) -> bool:
        """True where the worker runs on another machine, on a home that both share."""
        return self.adopted is not None and _elsewhere(self.adopted)


def _age(path: Path) -> float:
    """Seconds since the file was written, as far as the clocks agree."""
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except OSError:
        return 0.0


def _elsewhere(record: WorkerRecord) -> bool:
    return record.host != host_name() and not record.alive
