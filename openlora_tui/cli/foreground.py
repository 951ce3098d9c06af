"""Runs a job as a child of this command, without the shared engine: for Slurm and containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final

from engine import events as ev
from engine import postmortem
from engine.event_log import append
from engine.leases.cards import Lease
from engine.leases.here import lease_here
from engine.leases.locks import Locks
from engine.lineage import first_event
from engine.recipe import Recipe, RecipeFile, placed
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.worker.nodes import Node
from openlora_tui.cli import streams
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import follow
from openlora_tui.cli.watching import status_of

_ALONE: Final = Node()


def run_here(directory: RunDir, recipe: RecipeFile, printer: Printer, node: Node = _ALONE) -> int:
    """Work on a new run until it ends; the exit status is 75 where it was saved to be resumed."""
    relay = _Relay(printer)
    resolved = placed(recipe)
    append(directory.events, [first_event(directory, recipe.name, resolved)])
    return _work(directory, resolved, RunState(), printer, relay, node)


def work_here(
    directory: RunDir, recipe: Recipe, state: RunState, printer: Printer, node: Node = _ALONE
) -> int:
    """Go on with a run that is in `state`; like `run_here` otherwise."""
    return _work(directory, recipe, state, printer, _Relay(printer), node)


def help_there(directory: RunDir, recipe: Recipe, node: Node) -> int:
    """Work for a run that another machine leads and tells of, until it lets go."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    locks = Locks()
    return _spawn(directory, lease_here(recipe, locks), node).wait()


def begin_again(directory: RunDir) -> None:
    """Say that nothing of what the run did so far counts."""
    append(directory.events, [ev.Resumed(step=0)])


def _work(
    directory: RunDir, recipe: Recipe, state: RunState, printer: Printer, relay: _Relay, node: Node
) -> int:
    locks = Locks()
    worker = _spawn(directory, lease_here(recipe, locks), node)
    relay.lead_to(worker)
    printer.say(f"run {directory.run} in process {worker.pid}; its console is {directory.console}")
    for lines in _until_gone(worker, directory, state):
        printer(state, lines)
    if state.outcome is None:
        _bury(directory, state, worker.returncode, printer, asked=bool(relay.came))
    directory.mark_ended()  # nobody is there to mend it
    return INTERRUPTED if signal.SIGINT in relay.came else status_of(state)


class EnduringPrinter(Printer):
    """Falls silent where its output cannot be written: the work of this process is the run."""

    def __call__(self, state: RunState, lines: list[bytes]) -> None:
        """Print what `lines` say."""
        try:
            super().__call__(state, lines)
        except OSError:
            if streams.failure() is None:
                raise

    def say(self, text: str) -> None:
        """A line for people."""
        try:
            super().say(text)
        except OSError:
            streams.failure()


class _Relay:
    """Hands SIGINT, SIGTERM and SIGUSR1 on to the worker, those too that come before there is one."""

    def __init__(self, printer: Printer) -> None:
        self.came: list[int] = []
        self._printer = printer
        self._worker: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._take)

    def lead_to(self, worker: subprocess.Popen[bytes]) -> None:
        """From now on there is a worker."""
        self._worker = worker
        for number in self.came:
            worker.send_signal(number)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if number in self.came:
                raise KeyboardInterrupt
            self._printer.say("stopping and saving; ctrl+c again leaves at once")
        self.came.append(number)
        if self._worker is not None and self._worker.poll() is None:
            self._worker.send_signal(number)


def _spawn(directory: RunDir, lease: Lease, node: Node) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-P", "-m", "engine.worker", str(directory.path), "--device", lease.name]
    words += ["--node", str(node)] if node.count > 1 else []
    with directory.console.open("ab") as console:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            env=os.environ | lease.shown | {"OPENLORA_HOME": str(directory.root)},
        )


def _until_gone(worker: subprocess.Popen[bytes], directory: RunDir, state: RunState) -> Iterator[list[bytes]]:
    """The run's events until its last word, or until the worker is gone and everything is read."""
    gone = False
    for lines in follow(directory, state):
        yield lines
        if state.outcome is not None:
            worker.wait()
            return
        if gone and not lines:
            return
        # Only a read that began after the worker's end has certainly seen all that it wrote.
        gone = worker.poll() is not None


def _bury(directory: RunDir, state: RunState, code: int, printer: Printer, *, asked: bool) -> None:
    """Say the last word for a worker that died without one; `asked` where a signal had told it to end."""
    append(directory.events, [postmortem.failure(directory, state, code, killed=asked)])
    directory.mark_ended()
    for lines in follow(directory, state):
        printer(state, lines)
        if state.outcome is not None:
            return
