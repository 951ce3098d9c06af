"""`openlora runs`: past and present runs, and what can be done with them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from engine import messages as m
from engine import paths, run_row
from engine.alone import holder
from engine.client import silence
from engine.client.context import job_context
from engine.event_log import EventReader
from engine.past_runs import run_called
from engine.problem import WORK_FAILED, Problem
from engine.recipe import read
from engine.recipe.resuming import take_settings
from engine.run_dir import RunDir, all_runs, is_run
from engine.run_state import RunState, fold
from engine.series import Series
from engine.text import one_line
from openlora_tui.cli import morning, remembering, retry, several, watching
from openlora_tui.cli.document import print_document
from openlora_tui.cli.eaten import add_words, run_eaten
from openlora_tui.cli.foreground import EnduringPrinter, begin_again, work_here
from openlora_tui.cli.going_on import add_going_on, going_on
from openlora_tui.cli.options import given_absolute
from openlora_tui.cli.printer import Printer, finding_line, number
from openlora_tui.cli.session import Session
from openlora_tui.figures import came_from, duration, size

HELP: Final = "list, show, search, compare, watch, stop, pause, resume, retry, tag or delete runs, and more"
_MOST: Final = 1_000_000_000
_VERBS: Final[dict[m.Verb, str]] = {
    "stop": "save and end it",
    "kill": "end it at once, without saving",
    "pause": "let it wait, the device held",
    "save": "write a checkpoint now",
    "hold": "let it wait in the queue until it is released",
    "release": "let a held run start when its turn comes",
    "sooner": "let it change places with the run before it in the queue",
    "later": "let it change places with the run after it in the queue",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    commands = parser.add_subparsers(metavar="ACTION")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.set_defaults(act=_list, limit=50)
    listing = _action(commands, "list", "the newest runs", _list, run=False)
    listing.add_argument("--limit", type=_count, default=50, metavar="N", help="how many [50]")
    show = _action(
        commands, "show", "everything about one run; on a narrow terminal what matters most", _show
    )
    show.add_argument("--brief", action="store_true", help="in 40 columns and 20 lines at most")
    _action(commands, "watch", "follow a run; ctrl+c leaves it running", _watch)
    remembering.add(commands, _action)
    for verb, words in _VERBS.items():
        several.add_runs(_action(commands, verb, words, several.ordered(verb), run=False), verb)
    words = "choose on which devices a waiting run starts"
    pin = _action(commands, "pin", words, _pin)
    pin.add_argument(
        "devices", help="auto, cpu, a number, cards such as 0,1 or GPU-8f3a; `recipe` for what that says"
    )
    rate = _action(commands, "rate", "another learning rate from the next step on; a resume keeps it", _rate)
    rate.add_argument("learning_rate", metavar="RATE", help="the new peak, such as 1e-4")
    eaten = _action(commands, "eaten", "the rows that a step was taught with, and what was learnt", run_eaten)
    add_words(eaten)
    words = "go on after a pause, or from the last checkpoint"
    resume = _action(commands, "resume", words, _resume, run=False)
    several.add_runs(resume, "resume")
    resume.add_argument("--detach", action="store_true", help="leave it running at once; several always are")
    resume.add_argument("--foreground", action="store_true", help="work here, without the shared engine")
    resume.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="go on with another value of a recipe field"
    )
    add_going_on(resume)
    retry.arguments(_action(commands, "retry", retry.WORDS, retry.retry))
    words = "remove runs and their files; their lessons stay"
    delete = _action(commands, "delete", words, several.delete, run=False)
    several.add_runs(delete, "delete")
    delete.add_argument("--yes", action="store_true", help="do not ask")


def _count(word: str) -> int:
    if not word.isdecimal() or not 0 < (number := int(word[:10])) < _MOST:
        raise argparse.ArgumentTypeError(f"{one_line(word, 80)} is no number from 1 to {_MOST - 1:,}")
    return number


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return int(args.act(args))


def _action(
    commands: Any, name: str, words: str, act: Callable[[argparse.Namespace], int], *, run: bool = True
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    if run:
        parser.add_argument("run", metavar="RUN", help="its number, its name, or `last`")
    # Suppressed: a default here would undo a `--json` given before the action.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON on stdout")
    parser.set_defaults(act=act)
    return parser


def _list(args: argparse.Namespace) -> int:
    root = paths.home()
    if _from_files(root):
        rows = [run_row.row_of(_folded(RunDir(root, run))) for run in all_runs(root)[::-1][: args.limit]]
    else:
        with Session(root) as session:
            rows = session.rows(args.limit)
    if args.json:
        print_document({"runs": rows})
        return 0
    if not rows:
        print("no runs yet; `openlora train recipe.yaml` starts one", file=sys.stderr)
        return 0
    print(f"{'run':>5}  {'status':<11} {'step':>15}  {'loss':>8}  {'eval':>8}  {'age':>10}  name")
    for row in rows:
        print(_row(row))
    return 0


def _from_files(root: Path) -> bool:
    """True, and said so, where the engine was stopped: what there is to see lies in the runs' files."""
    pid = holder(root)
    if pid is None or not silence.stopped(pid):
        return False
    print(f"openlora: {silence.why_silent(pid)} This is from the runs' own files.", file=sys.stderr)
    return True


def _folded(directory: RunDir) -> RunState:
    return fold(EventReader(directory.events), RunState(run=directory.run))


def _row(row: m.RunRow) -> str:
    steps = f"{row.step:,}/{row.steps:,}" if row.steps else f"{row.step:,}"
    loss = "" if row.loss is None else number(row.loss)
    held_out = "" if row.eval_loss is None else number(row.eval_loss)
    age = duration(max(time.time() - row.created, 0)) if row.created else ""
    name, status = one_line(row.name, 40), "held" if row.held else row.status
    name = " ".join([name, *(f"#{one_line(tag)}" for tag in row.tags)])
    if row.status == "queued" and row.reason and not row.held:
        name = f"{name}  ({one_line(row.reason, 160)})"
    return f"{row.run:>5}  {status:<11} {steps:>15}  {loss:>8}  {held_out:>8}  {age:>10}  {name}"


def _show(args: argparse.Namespace) -> int:
    root = paths.home()
    if _from_files(root):
        state = _folded(run_called(root, args.run))
        told = morning.account_of(None, root, state, lambda run: _folded(RunDir(root, run)))
    else:
        with Session(root) as session:
            state = session.state(session.named(args.run))
            told = morning.account_of(session, root, state, session.state)
    if args.json:
        account = {"cause": told.cause, "tried": told.tried, "best": told.best, "next": told.next}
        print_document(_shown(state) | account)
        return 0
    if args.brief or morning.narrow():
        print("\n".join(morning.lines(state, told)))
        return 0
    for label, value in [*_facts(state), *morning.facts(told)]:
        if value:
            print(f"{label:<12} {value}")
    for finding in state.findings:
        print(finding_line(finding))
    return 0


def _shown(state: RunState) -> dict[str, object]:
    """The stable keys of `runs show --json`, and what else is known."""
    outcome = state.outcome
    return {
        "run": state.run,
        "name": state.name,
        "status": state.status,
        "reason": state.reason,
        "step": state.step,
        "steps": state.steps,
        "loss": state.mean_loss,
        "eval_loss": state.eval_loss.latest,
        "best_eval_loss": state.best_eval,
        "objective": state.plan.objective if state.plan else None,
        "computed": state.plan.how if state.plan else None,
        "figures": {name: series.latest for name, series in state.figures.items()},
        "eval_figures": {name: series.latest for name, series in state.eval_figures.items()},
        "worker_pid": state.pid or None,
        "device": state.device,
        "predicted_memory": {"bytes": state.predicted.bytes, "parts": state.predicted.parts}
        if state.predicted
        else None,
        "peak_memory": state.memory_peak or None,
        "memory": {m.phase: {"bytes": m.bytes, "reserved": m.reserved} for m in state.measured},
        "adapter": outcome.adapter if outcome else None,
        "checkpoint": state.checkpoint.path if state.checkpoint else None,
        "model": state.model,
        "data": state.data,
        "tags": state.remarks.tags,
        "note": state.remarks.note,
        "parent": state.parent,
        "lineage": state.lineage,
        "created": state.created,
        "updated": state.updated,
        "folder": str(RunDir(paths.home(), state.run).path),
        "outcome": outcome,
        "findings": state.findings,
    }


def _told_apart(found: Mapping[str, Series]) -> str:
    """How well the model tells the answers of pairs apart; empty where it learns none."""
    latest = {name: value for name, series in found.items() if (value := series.latest) is not None}
    if "accuracy" not in latest or "margin" not in latest:
        return ""
    return f"{latest['accuracy']:.0%} told apart, margin {latest['margin']:.3g}"


def _memory(state: RunState) -> str:
    """What it took at most, by phase, against what was predicted; empty where neither is known."""
    expected = f"{size(state.predicted.bytes)} predicted" if state.predicted else ""
    if not state.measured:
        return expected
    took = ", ".join(f"{one_line(m.phase, 20)} {size(m.reserved or m.bytes)}" for m in state.measured)
    return f"{size(state.memory_peak)} at most{f', {expected}' if expected else ''} ({took})"


def _facts(state: RunState) -> list[tuple[str, str]]:
    directory = RunDir(paths.home(), state.run)
    facts = [
        ("run", f"{state.run}  {one_line(state.name, 60)}"),
        ("status", f"{state.status}  {one_line(state.reason or state.phase, 120)}".rstrip()),
        ("step", f"{state.step:,} of {state.steps:,}"),
        ("loss", "" if state.mean_loss is None else f"{number(state.mean_loss)} (mean of the last 10 steps)"),
        ("eval loss", "" if state.eval_loss.latest is None else number(state.eval_loss.latest)),
        ("pairs", _told_apart(state.figures)),
        ("held out", _told_apart(state.eval_figures)),
        ("model", one_line(state.model, 120)),
        ("lineage", came_from(state.lineage)),
        ("tags", one_line(", ".join(state.remarks.tags), 120)),
        ("note", one_line(state.remarks.note, 400)),
        ("data", ", ".join(one_line(path, 80) for path in state.data)),
        ("device", state.device),
        ("computed", state.plan.computed if state.plan else ""),
        ("memory", _memory(state)),
        ("worker", f"process {state.pid} on {state.host}" if state.pid else ""),
        ("adapter", (state.outcome.adapter if state.outcome else None) or ""),
        ("checkpoint", state.checkpoint.path if state.checkpoint else ""),
        ("folder", str(directory.path)),
    ]
    return [(label, value) for label, value in facts if value]


def _watch(args: argparse.Namespace) -> int:
    printer = Printer(as_json=args.json)
    with Session(paths.home()) as session:
        run = session.named(args.run)
        state = session.state(run)
        if state.ended:
            return _already_ended(run, state, printer)
        printer.say(f"run {run} is {state.status} at step {state.step:,}; ctrl+c leaves it running")
        try:
            while run:
                for lines in session.follow(run, state):
                    printer(state, lines)
                    if state.outcome is not None:
                        break
                ended, run = state, watching.next_run(session, run, state, printer)
                state = RunState()
            return watching.status_of(ended)
        except KeyboardInterrupt:
            printer.say(f"left; run {run} goes on")
    return watching.status_of(state)


def _already_ended(run: str, state: RunState, printer: Printer) -> int:
    if state.outcome is None:
        do = "`openlora new --from` takes over its recipe; `openlora runs delete` removes it."
        what = f"Run {run} has nothing to watch."
        raise Problem(what, why=f"{state.reason}.", do=do, exit_status=WORK_FAILED)
    reader = EventReader(RunDir(paths.home(), run).events, max(state.offset - (1 << 16), 0))
    last = reader.read()[-1:]
    printer(state, last)
    return watching.status_of(state)


def _resume(args: argparse.Namespace) -> int:
    root = paths.home()
    if args.foreground:
        here = RunDir(root, " ".join(args.runs))
        return _resume_here(here, args, EnduringPrinter(as_json=args.json))
    printer = Printer(as_json=args.json)
    with Session(root) as session:
        states = several.chosen(session, args, "resume")
        if len(args.runs) != 1:
            if args.set or args.epochs or args.schedule:
                raise Problem(
                    "--set, --epochs and --schedule change one run.", do="Name the one to go on with."
                )
            return several.on_each(session, args, states, "resume")
        state = states[0]
        run = state.run
        settings = given_absolute(args) | going_on(state, RunDir(root, run), args)
        accepted = session.act(run, "resume", job_context(), settings)
        if args.detach:
            return several.told(args, accepted)
        printer.say(f"run {run}: {accepted.note}")
        state.outcome = None
        return watching.to_the_end(session, run, state, printer)


def _pin(args: argparse.Namespace) -> int:
    with Session(paths.home()) as session:
        devices = "" if args.devices == "recipe" else args.devices
        return several.told(args, session.act(session.named(args.run), "pin", None, {"devices": devices}))


def _rate(args: argparse.Namespace) -> int:
    with Session(paths.home()) as session:
        settings = {"learning_rate": args.learning_rate}
        return several.told(args, session.act(session.named(args.run), "rate", None, settings))


def _resume_here(directory: RunDir, args: argparse.Namespace, printer: Printer) -> int:
    if not is_run(directory.run) or not directory.path.is_dir():
        raise Problem(f"There is no run {one_line(directory.run, 200)!r}.", do="Name a run by its number.")
    record = directory.worker()
    if record is not None and record.alive:
        raise Problem(
            f"Run {directory.run} has a worker: process {record.pid}.",
            do="Stop it first.",
            exit_status=WORK_FAILED,
        )
    reader = EventReader(directory.events)
    state = fold(reader)
    state.offset = reader.offset
    settings = given_absolute(args) | going_on(state, directory, args)
    for change in take_settings(directory, settings, state):
        printer.say(str(change))
    state.outcome = None
    if not directory.resumable():
        begin_again(directory)
    return work_here(directory, read(directory.recipe).recipe, state, printer)
