"""`openlora runs retry RUN`: a linked run that begins where a failed one was last good, with one change."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine import messages as m
from engine import paths
from engine.client.context import job_context
from engine.findings import Patch
from engine.problem import WORK_FAILED, Problem
from engine.repair.choose import Choice, choices
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.cli import several, watching
from openlora_tui.cli.document import print_document
from openlora_tui.cli.options import given_absolute
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import Session, new_request

WORDS = "begin a linked run with what may mend one that failed, from its last good checkpoint"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words beside the run."""
    add = parser.add_argument
    add("--with", type=int, metavar="N", dest="number", help="take the remedy that --list shows as N [1]")
    add("--list", action="store_true", dest="only_list", help="show what could be changed, and begin nothing")
    add(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="change this recipe field, alone or beside --with",
    )
    add("--detach", action="store_true", help="print the new run's id and leave it running")


def retry(args: argparse.Namespace) -> int:
    """List the remedies, or begin the run and follow it to its end."""
    with Session(paths.home()) as session:
        run = session.named(args.run)
        state = session.state(run)
        if args.only_list or args.number is not None:
            found = _choices(session, state)
            if args.only_list:
                return _listed(found, run, as_json=args.json)
            patch = _numbered(found, args.number, run)
        else:
            patch = None
        asked = m.Act(
            front=session.front, request=new_request(), run=run, verb="retry", context=job_context(),
            settings=given_absolute(args), patch=patch,
        )  # fmt: skip
        accepted = session.ask(asked)
        if args.detach:
            return several.told(args, accepted)
        printer = Printer(as_json=args.json)
        printer.say(f"run {accepted.run} mends run {run}: {one_line(accepted.note, 200)}")
        return watching.to_the_end(session, accepted.run, RunState(), printer)


def _choices(session: Session, state: RunState) -> list[Choice]:
    if not state.ended:
        raise Problem(
            f"Run {state.run} has not ended.", do="Stop it first, or wait.", exit_status=WORK_FAILED
        )
    directory = RunDir(Path(session.welcome.home), state.run)
    return choices(directory, state, session.lessons(), state.remarks.tried)


def _numbered(found: list[Choice], number: int, run: str) -> Patch:
    if not 1 <= number <= len(found):
        count = f"There are {len(found)}." if found else "Nothing is known that would mend it."
        raise Problem(f"There is no remedy {number}.", why=count, do=f"`openlora runs retry {run} --list`")
    return found[number - 1].patch


def _listed(found: list[Choice], run: str, *, as_json: bool) -> int:
    if as_json:
        told = [{"number": number, "said": one.said, "patch": one.patch, "finding": one.finding.title,
                 "known_to_fail": bool(one.known), "step": one.step}
                for number, one in enumerate(found, 1)]  # fmt: skip
        print_document({"run": run, "remedies": told})
        return 0
    if not found:
        print(f"nothing is known that would mend run {run} by itself", file=sys.stderr)
        return 0
    print(one_line(found[0].finding.title, 160))
    for number, one in enumerate(found, 1):
        print(f"  {number}  {one_line(one.said, 160)}")
    print(f"`openlora runs retry {run} --with N` begins one of them", file=sys.stderr)
    return 0
