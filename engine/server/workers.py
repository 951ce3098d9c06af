"""Starts worker processes, and keeps one imported and waiting, because importing takes 7 to 11 s."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import psutil

from engine import faults
from engine import messages as m
from engine.bus import Mailboxes
from engine.client.context import environment
from engine.leases.cards import Lease
from engine.problem import WORK_FAILED, Problem
from engine.run_dir import RunDir

_ROOM: Final = 2 << 30
"""Free bytes of memory under which no spare is kept: it holds about 0.5 GB."""
_PER_JOB: Final = frozenset({"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OPENLORA_HOME", faults.VARIABLE})
"""Variables that an imported worker can still take; the others are read at import."""


class Workers:
    """The processes that this engine starts."""

    def __init__(self, root: Path, boxes: Mailboxes) -> None:
        self._root = root
        self._boxes = boxes
        self._spare: _Spare | None = None

    def start(
        self, directory: RunDir, context: m.JobContext, lease: Lease
    ) -> tuple[subprocess.Popen[bytes], bool]:
        """A worker for the run on its devices, and whether it was the spare.

        Raises:
            OSError: where the interpreter or the working directory of the job is not there.
        """
        job = _with(context, {**lease.shown, "OPENLORA_HOME": str(self._root)})
        spare = self._spare if lease.ranks == 1 else None
        if spare is not None and spare.ready(self._boxes) and spare.fits(job):
            self._spare = None
            assign = m.Assign(folder=str(directory.path), context=job, device=lease.name)
            self._boxes.put(spare.name, [m.encode(assign)])
            return spare.process, True
        return self._spawn(job, [str(directory.path), "--device", lease.name], directory.console), False

    def fetch(self, directory: RunDir, context: m.JobContext) -> subprocess.Popen[bytes]:
        """A worker that fetches the run's model.

        Raises:
            OSError: where the interpreter or the working directory of the job is not there.
        """
        job = _with(context, {"OPENLORA_HOME": str(self._root)})
        return self._spawn(job, [str(directory.path), "--fetch"], directory.console)

    def serve(self, serve: m.Serve, lease: Lease, *, heavy: bool) -> subprocess.Popen[bytes]:
        """A worker for a side job: the spare where the job needs what it has imported, else a new process.

        Raises:
            OSError: where the interpreter or the working directory of the job is not there.
        """
        # The advisor is given no card: it takes a part of one from what runs leave over, and gives it back.
        shown = {} if serve.job == "advisor" else lease.shown
        job = _with(serve.context, {**shown, "OPENLORA_HOME": str(self._root)})
        spare = self._spare
        if heavy and spare is not None and spare.ready(self._boxes) and spare.fits(job):
            self._spare = None
            name, process = spare.name, spare.process
        else:
            name = begins(serve.side)
            process = self._spawn(job, ["--side", name], Path(serve.console))
        self._boxes.put(name, [m.encode(msgspec.structs.replace(serve, context=job))])
        return process

    def keep_spare(self, context: m.JobContext) -> None:
        """See to it that a worker for jobs of this kind waits, memory allowing."""
        job = _with(context, {"OPENLORA_HOME": str(self._root)})
        spare = self._spare
        if spare is not None and spare.process.poll() is None and spare.fits(job):
            return
        if spare is not None and spare.process.poll() is not None and time.monotonic() - spare.born < 60:
            return  # it died young: trying at once again would only heat the machine
        self.drop_spare()
        if psutil.virtual_memory().available < _ROOM:
            return
        name = f"spare-{os.getpid()}-{time.monotonic_ns()}"
        process = self._spawn(job, ["--spare", name], self._root / "spare.log")
        self._spare = _Spare(name, process, job)

    def drop_spare(self) -> None:
        """End the waiting worker."""
        if self._spare is not None:
            self._spare.process.kill()
            self._spare.process.wait()
            self._boxes.close(self._spare.name)
            self._spare = None

    def _spawn(self, job: m.JobContext, words: list[str], console: Path) -> subprocess.Popen[bytes]:
        # -P: a folder named `engine` in the user's working directory must not be imported as ours.
        with console.open("ab") as output:
            return subprocess.Popen(
                [job.python, "-P", "-m", "engine.worker", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                close_fds=True,
                cwd=job.cwd,
                umask=job.umask,
                env=environment(os.environ, job),
            )


def no_worker(context: m.JobContext, error: OSError) -> Problem:
    """Why a job has no process: its interpreter or its working directory is not there."""
    return Problem(
        "The worker could not be started.",
        where=str(error.filename or context.python),
        why=f"{error.strerror or error}.",
        do="Start again from a front end whose Python and working directory still exist.",
        exit_status=WORK_FAILED,
    )


def begins(side: str) -> str:
    """The mailbox at which a new process waits for its side job, apart from what the front end tells it."""
    return f"{side}-begins"


class _Spare:
    """A worker that has imported everything and polls for a job."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], context: m.JobContext) -> None:
        self.name = name
        self.process = process
        self.born = time.monotonic()
        self._context = context

    def ready(self, boxes: Mailboxes) -> bool:
        """True once it has imported: it polls only then."""
        return self.process.poll() is None and boxes.seen(self.name) is not None

    def fits(self, job: m.JobContext) -> bool:
        """True where a job could not tell it from a fresh process."""
        mine, wanted = _read_at_import(self._context), _read_at_import(job)
        return self._context.python == job.python and mine == wanted


def _read_at_import(context: m.JobContext) -> dict[str, str]:
    return {name: value for name, value in context.env.items() if name not in _PER_JOB}


def _with(context: m.JobContext, more: Mapping[str, str]) -> m.JobContext:
    return m.JobContext(
        python=context.python, cwd=context.cwd, umask=context.umask, env={**context.env, **more}
    )
