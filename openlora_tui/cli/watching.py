"""Follows a run to its end, and says by the exit status how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import events as ev
from engine.problem import WORK_FAILED, Problem
from engine.recipe import read
from engine.run_dir import RunDir
from engine.run_state import RunState
from openlora_tui.cli import streams
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import Session

RESUMABLE: Final = 75
_ANSWERS: Final = 30.0
"""Seconds in which the engine says what follows a failure."""


def to_the_end(session: Session, run: str, state: RunState, printer: Printer) -> int:
    """Print the run until it ends, and those that the engine begins to mend it.

    The first ctrl+c stops and saves it, the second leaves at once.

    Raises:
        Problem: what is printed cannot be written any more; the run goes on.
    """
    asked = False
    while True:
        try:
            _print_until_ended(session.follow(run, state), state, printer)
            if asked:
                return INTERRUPTED
            following = next_run(session, run, state, printer)
            if not following:
                return status_of(state)
            run, state = following, RunState()
        except KeyboardInterrupt:
            if asked:
                printer.say(f"left; run {run} is still saving")
                return INTERRUPTED
            asked = True
            printer.say("stopping and saving; ctrl+c again leaves at once")
            _stop(session, run, printer)
        except OSError:
            failure = streams.failure()
            if failure is None:
                raise
            raise Problem(
                f"The output cannot be written; run {run} goes on.",
                why=f"{failure.strerror}.",
                do=f"`openlora runs watch {run}` follows it.",
                exit_status=WORK_FAILED,
            ) from None


def next_run(session: Session, run: str, state: RunState, printer: Printer) -> str:
    """The run that the engine begins to mend this one, where the recipe asks for that; else empty."""
    ended = state.outcome
    if not isinstance(ended, ev.Failed) or ended.interrupted or not _may_be_mended(session, run):
        return ""
    end = time.monotonic() + _ANSWERS
    for lines in session.follow(run, state):
        printer(state, lines)
        said = state.remarks.followed
        if said is not None and said.t >= ended.t:
            return said.run
        if time.monotonic() > end:
            break
    return ""


def _may_be_mended(session: Session, run: str) -> bool:
    try:
        return read(RunDir(Path(session.welcome.home), run).recipe).recipe.on_failure == "repair"
    except Problem:
        return False


def status_of(state: RunState) -> int:
    """0 done, 1 failed, 75 saved and to be resumed."""
    outcome = state.outcome
    if isinstance(outcome, ev.Failed):
        return RESUMABLE if outcome.interrupted and outcome.resumable else WORK_FAILED
    return 0


def _print_until_ended(batches: Iterator[list[bytes]], state: RunState, printer: Printer) -> None:
    for lines in batches:
        printer(state, lines)
        if state.outcome is not None:
            return


def _stop(session: Session, run: str, printer: Printer) -> None:
    try:
        session.act(run, "stop")
    except Problem as problem:
        printer.say(str(problem))
