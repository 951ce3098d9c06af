"""Follows a run to its end, and says by the exit status how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine import events as ev
from engine.problem import WORK_FAILED, Problem
from engine.run_state import RunState
from openlora_tui.cli import streams
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import Session

RESUMABLE: Final = 75


def to_the_end(session: Session, run: str, state: RunState, printer: Printer) -> int:
    """Print the run until it ends. The first ctrl+c stops and saves it, the second leaves at once.

    Raises:
        Problem: what is printed cannot be written any more; the run goes on.
    """
    asked = False
    while True:
        try:
            _print_until_ended(session.follow(run, state), state, printer)
            return INTERRUPTED if asked else status_of(state)
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
