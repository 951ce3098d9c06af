"""`openlora runs stop 3 4` and `--all`: one act on several runs, and waiting until they have ended."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from engine import messages as m
from engine import paths
from engine.client.context import job_context
from engine.event_log import EventReader
from engine.problem import WORK_FAILED, Problem
from engine.run_dir import RunDir, live_runs
from engine.run_state import ENDED, RunState, fold
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.session import Session
from openlora_tui.stopping import waiting_first

_EVERY: Final = 5.0
_TICK: Final = 0.1
_ENDS: Final = ("stop", "kill")


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=False):
    """What became of one run that was asked."""

    run: str
    name: str
    status: str
    step: int = 0
    note: str = ""
    """The engine's answer, or why it refused."""
    refused: bool = False


def add_runs(parser: argparse.ArgumentParser, verb: str) -> None:
    """The words of a verb that several runs can take."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="a number, a name, or `last`")
    if verb in (*_ENDS, "pause", "resume"):
        which = {"pause": "run that works", "resume": "paused run"}.get(verb, "live run")
        parser.add_argument("--all", action="store_true", help=f"every {which}")
    if verb in _ENDS:
        parser.add_argument("--wait", action="store_true", help="until they have ended; --all does so")
        parser.add_argument(
            "--within", type=float, metavar="S", help="give up waiting after so many seconds, with status 1"
        )


def ordered(verb: m.Verb) -> Callable[[argparse.Namespace], int]:
    """The command that asks for `verb`."""

    def act(args: argparse.Namespace) -> int:
        with Session(paths.home()) as session:
            if len(args.runs) == 1 and not getattr(args, "wait", False):
                _named_or_all(args)
                return told(args, session.act(session.named(args.runs[0]), verb))
            return on_each(session, args, chosen(session, args, verb), verb)

    return act


def chosen(session: Session, args: argparse.Namespace, verb: str) -> list[RunState]:
    """The runs that the words mean, as they stand.

    Raises:
        Problem: there are no words, or one of them names no run.
    """
    if _named_or_all(args):
        # By their markers: a run that was queued a moment ago need not be in the index yet.
        live = [session.state(run) for run in live_runs(Path(session.welcome.home))]
        wanted = {"pause": ("running",), "resume": ("paused",)}.get(verb)
        return waiting_first(one for one in live if wanted is None or one.status in wanted)
    return [session.state(run) for run in dict.fromkeys(session.named(word) for word in args.runs)]


def _named_or_all(args: argparse.Namespace) -> bool:
    """True where all are meant; raises Problem where that is not clear."""
    means_all = bool(getattr(args, "all", False))
    if means_all and args.runs:
        raise Problem("Runs and --all do not go together.", do="Name the runs, or say --all.")
    if not means_all and not args.runs:
        do = "Name one or more, or say --all." if hasattr(args, "all") else "Name one or more."
        raise Problem("Which runs?", do=do)
    return means_all


def on_each(session: Session, args: argparse.Namespace, states: list[RunState], verb: m.Verb) -> int:
    """Ask for `verb` on each run, wait where that was asked for, and say what became of them."""
    outcomes = [Outcome(run=one.run, name=one.name, status=one.status, step=one.step) for one in states]
    for outcome in outcomes:
        outcome.note, outcome.refused = _asked(session, outcome.run, verb)
        _say(args, outcome)
    if not outcomes:
        _tell(args, f"there is no run to {verb}")
    waits = verb in _ENDS and (args.wait or args.all)
    if waits:
        home = Path(session.welcome.home)
        pairs = zip(outcomes, states, strict=True)
        _until_ended(session, args, [_Ending(home, *pair) for pair in pairs if not pair[0].refused], verb)
    return _finish(args, outcomes, verb if waits else "")


def _asked(session: Session, run: str, verb: m.Verb) -> tuple[str, bool]:
    """The engine's answer, and whether it was no."""
    try:
        return session.act(run, verb, job_context() if verb == "resume" else None).note, False
    except Problem as problem:
        return " ".join(part for part in (problem.what, problem.why, problem.do) if part), True


def _until_ended(session: Session, args: argparse.Namespace, waiting: list[_Ending], verb: m.Verb) -> None:
    """Follow the runs' own files until each has written its end; ctrl+c leaves them to it."""
    begun = time.monotonic()
    next_word = begun + _EVERY
    while waiting:
        ended = [ending for ending in waiting if ending.come()]
        waiting = [ending for ending in waiting if ending not in ended]
        for ending in ended:
            _say(args, ending.outcome, ended=True)
        now = time.monotonic()
        if args.within is not None and now - begun > args.within:
            return
        if waiting and now > next_word:
            next_word = now + _EVERY
            names = ", ".join(ending.outcome.run for ending in waiting)
            _tell(args, f"waiting for run {names}; ctrl+c leaves them to it")
        if any(isinstance(message, m.Welcome) for message in session.heard()):
            for ending in waiting:  # an engine that died may have taken the order with it
                _asked(session, ending.outcome.run, verb)
        time.sleep(_TICK)


class _Ending:
    """Reads a run's own file until the run has ended, whatever becomes of the engine."""

    def __init__(self, home: Path, outcome: Outcome, state: RunState) -> None:
        self.outcome = outcome
        self._state = state
        self._reader = EventReader(RunDir(home, outcome.run).events, state.offset)

    def come(self) -> bool:
        """True once the end is written; `outcome` says how the run stands."""
        fold(self._reader.read(), self._state)
        self.outcome.status, self.outcome.step = self._state.status, self._state.step
        return self._state.outcome is not None


def _finish(args: argparse.Namespace, outcomes: list[Outcome], ending: str) -> int:
    """Print the document; 1 where a run was refused or, after waiting, did not end as `ending` means."""
    if args.json:
        print_document({"runs": outcomes})
    asked = [one for one in outcomes if not one.refused]
    left = [one.run for one in asked if ending and one.status not in ENDED]
    if left:
        _tell(args, f"run {', '.join(left)} did not end within {args.within:g} s")
    failed = ending == "stop" and any(one.status == "failed" for one in asked)
    return WORK_FAILED if left or failed or len(asked) < len(outcomes) else 0


def _say(args: argparse.Namespace, outcome: Outcome, *, ended: bool = False) -> None:
    name = one_line(outcome.name, 40)
    said = f"{outcome.status} at step {outcome.step:,}" if ended else outcome.note
    _tell(args, f"run {outcome.run} {name}".rstrip() + f": {said}")


def _tell(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(text, file=sys.stderr, flush=True)


def told(args: argparse.Namespace, accepted: m.Accepted) -> int:
    """Say what the engine answered about one run."""
    if args.json:
        print_document({"run": accepted.run, "note": accepted.note})
    else:
        print(f"run {accepted.run}: {accepted.note}", file=sys.stderr)
    return 0


def delete(args: argparse.Namespace) -> int:
    """Delete runs, once it is confirmed."""
    with Session(paths.home()) as session:
        states = chosen(session, args, "delete")
        if not args.yes and not _sure(states, Path(session.welcome.home)):
            print("nothing was deleted", file=sys.stderr)
            return WORK_FAILED
        if len(states) == 1:
            return told(args, session.act(states[0].run, "delete"))
        return on_each(session, args, states, "delete")


def _sure(states: list[RunState], home: Path) -> bool:
    if not sys.stdin.isatty():
        raise Problem("Deleting asks first, and there is no one to ask.", do="Add --yes.")
    runs = [state.run for state in states]
    if len(runs) == 1:
        question, word = f"Delete run {runs[0]} with {_goes(states[0], home)} Type its number: ", runs[0]
    else:
        what = f"runs {', '.join(runs)} with their folders"
        question, word = f"Delete {what}? Type how many they are: ", str(len(runs))
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == word


def _goes(state: RunState, home: Path) -> str:
    """What goes with a run's folder; an adapter that its recipe has sent elsewhere does not."""
    adapter = state.outcome.adapter if state.outcome is not None else None
    if adapter and not Path(adapter).is_relative_to(RunDir(home, state.run).path):
        return f"its checkpoints? The adapter stays in {one_line(adapter)}."
    return "its checkpoints and adapter?"
