"""`openlora advise`: why a run failed, or what threatens it: a run of ours, or of any other trainer."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from engine import paths
from engine.event_log import EventReader
from engine.lessons.dismissals import About, is_dismissed, standing_in
from engine.past_runs import LAST, run_called
from engine.problem import Problem
from engine.run_dir import RunDir, all_runs
from engine.run_state import RunState, fold
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.found import finding_lines, words

if TYPE_CHECKING:
    from engine.advisor.case import Case
    from engine.findings import Finding

HELP: Final = "why a run failed or what threatens it; with files, a run of any other trainer"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    add = parser.add_argument
    add("run", metavar="RUN", nargs="?", help="a run of OpenLoRA: its number, its name, or `last` [last]")
    add(
        "--log",
        type=Path,
        metavar="FILE",
        help="what another trainer printed, or trainer_state.json; - is stdin",
    )
    add(
        "--curve",
        type=Path,
        metavar="FILE",
        help="its figures: CSV with step, loss, eval_loss, grad_norm, lr",
    )
    add("--config", type=Path, metavar="FILE", help="its settings: any YAML or JSON mapping")
    add("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Report; the status is 0 whatever was found."""
    files = [args.log, args.curve, args.config]
    if args.run is not None and any(files):
        raise Problem(
            "A run and files of another one are asked for at once.",
            do="Name a run of OpenLoRA, or give --log, --curve and --config.",
        )
    return _tell_files(args) if any(files) else _tell_run(args)


def _tell_files(args: argparse.Namespace) -> int:
    from engine.advisor.diagnose import diagnose
    from engine.advisor.read.gather import case_of_files, case_of_stream

    if str(args.log) == "-":
        log = cast(io.BufferedReader, sys.stdin.buffer)
        case = case_of_stream(log, curve=args.curve, config=args.config)
    else:
        case = case_of_files(log=args.log, curve=args.curve, config=args.config)
    steps = f"a curve of {len(case.points):,} points" if case.points else "no curve"
    total = case.line_number(len(case.lines) - 1) if case.lines else 0
    settings = len(case.config) - sum(
        any(way.endswith(f".{key}") for way in case.config) for key in case.config
    )
    facts = f"read: {total:,} lines of a log, {steps}, {settings:,} settings"
    read = {"lines": total, "points": len(case.points), "settings": settings}
    return _report(case, diagnose(case), args, facts, {"read": read}, "DATA")


def found_of(root: Path, directory: RunDir, state: RunState, case: Case) -> tuple[list[Finding], int]:
    """What is wrong with a run, the likeliest first, and how many findings a person has put aside."""
    from engine.advisor.diagnose import diagnose
    from engine.advisor.trial import tried

    found = tried(directory, state, diagnose(case))
    about = About(files=state.data, model=state.model, remarks=state.remarks)
    standing = standing_in(root)
    left = [one for one in found if is_dismissed(one, about, standing) is None]
    return left, len(found) - len(left)


def _tell_run(args: argparse.Namespace) -> int:
    from engine.advisor.read.own import case_of_run

    root = paths.home()
    if args.run is None and not all_runs(root):
        raise Problem("There is no run yet.", do="Give the log of another trainer with --log FILE.")
    directory: RunDir = run_called(root, args.run or LAST)
    state = fold(EventReader(directory.events), RunState(run=directory.run))
    case = case_of_run(directory, state)
    why = f": {one_line(state.reason, 200)}" if state.reason else ""
    facts = f"run {state.run} ({one_line(state.name, 60)}), {state.status}{why}"
    found, aside = found_of(root, directory, state, case)
    if aside:
        facts += f"; {aside} put aside"
    return _report(case, found, args, facts, {"run": state.run, "status": state.status}, words(state.data))


def _report(
    case: Case,
    found: list[Finding],
    args: argparse.Namespace,
    facts: str,
    about: dict[str, object],
    data: str,
) -> int:
    from engine.advisor.missing import missing

    found = [*found, *missing(case, found)]
    if args.json:
        print_document({**about, "findings": found})
        return 0
    print("\n".join([facts, "", *finding_lines(found, data)]).rstrip())
    return 0
