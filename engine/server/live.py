"""A run that has not ended: its events as they come, and the process that works on it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Final

from engine import events as ev
from engine.event_log import EventReader, EventWriter
from engine.messages import JobContext
from engine.run_dir import RunDir, WorkerRecord, host_name
from engine.run_state import RunState, fold

_SILENT: Final = 15.0


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
        self.saved = 0.0
        """When its state was last written to the store, on the monotonic clock."""
        self.changed = True
        self.has_model = False
        """True once its model is known to lie in a folder here."""
        self.accepted: list[str] | None = None
        """The devices that its recipe accepts, once that was looked up."""
        self._reader = EventReader(directory.events, state.offset)

    @property
    def run(self) -> str:
        """The run's id."""
        return self.directory.run

    def follow(self) -> tuple[int, list[bytes]]:
        """Take what the worker has written: the number of the first new line, and the lines."""
        number = self.state.events
        lines = self._reader.read()
        if lines:
            fold(lines, self.state)
            self.state.offset = self._reader.offset
            self.changed = True
        return number, lines

    def write(self, *events: ev.Event) -> None:
        """Append events on the worker's behalf; only while no worker lives."""
        writer = EventWriter(self.directory.events)
        for event in events:
            writer.write(event)
        writer.close()

    def take(self, process: subprocess.Popen[bytes], device: str) -> None:
        """A worker of this engine's took the run."""
        self.process, self.device, self.adopted = process, device, None

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
        if record is None or not (record.alive or record.host != host_name()):
            return False
        self.adopted = record
        # Another machine's device is no device of ours.
        self.device = record.device if record.host == host_name() else f"{record.device} of {record.host}"
        return True

    @property
    def working(self) -> bool:
        """True while a worker holds the run, as far as can be told from here."""
        if self.process is not None:
            return self.process.poll() is None
        if self.adopted is None:
            return False
        return self.adopted.alive or (self.elsewhere and self.directory.live)

    @property
    def exit_code(self) -> int | None:
        """How the worker ended, where it was this engine's child."""
        return None if self.process is None else self.process.poll()

    @property
    def silent(self) -> bool:
        """True where a worker should be heard and is not."""
        return self.device is not None and time.time() - max(self.state.heard, self.state.updated) > _SILENT

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
        return self.adopted is not None and self.adopted.host != host_name()
