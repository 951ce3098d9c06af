"""Runs a job as a child of this command, without the shared engine: for Slurm and containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType

from engine import events as ev
from engine import postmortem
from engine.event_log import EventWriter
from engine.recipe import RecipeFile
from engine.run_dir import RunDir
from engine.run_state import RunState
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import follow
from openlora_tui.cli.watching import status_of


def run_here(directory: RunDir, recipe: RecipeFile, printer: Printer) -> int:
    """Work on a new run until it ends; the exit status is 75 where it was saved to be resumed."""
    writer = EventWriter(directory.events)
    resolved = recipe.resolved()
    writer.write(
        ev.Created(
            run=directory.run,
            name=recipe.name,
            model=resolved.model,
            data=resolved.data_files,
            steps=max(resolved.max_steps, 0),
        )
    )
    writer.close()
    return work_here(directory, str(resolved.devices), RunState(), printer)


def work_here(directory: RunDir, device: str, state: RunState, printer: Printer) -> int:
    """Start a worker for the run and follow it, passing signals on to it."""
    worker = _spawn(directory, f"cuda:{device}" if device.isdigit() else device)
    asked = _pass_signals(worker, printer)
    printer.say(f"run {directory.run} in process {worker.pid}; its console is {directory.console}")
    for lines in _until_gone(worker, directory, state):
        printer(state, lines)
    if state.outcome is None:
        _bury(directory, state, worker.returncode, printer)
    return INTERRUPTED if asked else status_of(state)


def _spawn(directory: RunDir, device: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-P", "-m", "engine.worker", str(directory.path), "--device", device]
    with directory.console.open("ab") as console:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            env=os.environ | {"OPENLORA_HOME": str(directory.root)},
        )


def _pass_signals(worker: subprocess.Popen[bytes], printer: Printer) -> list[int]:
    """Hand SIGINT, SIGTERM and SIGUSR1 to the worker; returns the list of SIGINTs, filled as they come."""
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if asked:
                raise KeyboardInterrupt
            asked.append(number)
            printer.say("stopping and saving; ctrl+c again leaves at once")
        if worker.poll() is None:
            worker.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, pass_on)
    return asked


def _until_gone(worker: subprocess.Popen[bytes], directory: RunDir, state: RunState) -> Iterator[list[bytes]]:
    """The run's events until its last word, or until the worker is gone and everything is read."""
    for lines in follow(directory, state):
        gone = worker.poll() is not None
        yield lines
        if state.outcome is not None:
            worker.wait()
            return
        if gone and not lines:
            return


def _bury(directory: RunDir, state: RunState, code: int, printer: Printer) -> None:
    writer = EventWriter(directory.events)
    writer.write(postmortem.failure(directory, state, code, killed=False))
    writer.close()
    directory.mark_ended()
    for lines in follow(directory, state):
        printer(state, lines)
        if state.outcome is not None:
            return
