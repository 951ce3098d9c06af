"""`openlora train`: runs a recipe, attached, detached, or in the foreground without an engine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from engine import events as ev
from engine import faults, paths
from engine.client.context import job_context
from engine.problem import WORK_FAILED, Problem
from engine.recipe import absolute_text, check_paths, override
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.search.rate import test_of
from engine.text import one_line
from openlora_tui.cli import finding_rates, launched, mending, search, watching
from openlora_tui.cli.check import failed_before, recipe_in
from openlora_tui.cli.document import print_document
from openlora_tui.cli.foreground import EnduringPrinter, run_here
from openlora_tui.cli.options import add_field_options, given_fields
from openlora_tui.cli.printer import Printer
from openlora_tui.cli.session import Session

HELP: Final = "run a recipe"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("recipe", type=Path, help="a recipe, as `openlora new` writes it; - takes stdin")
    parser.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="change a recipe field for this run"
    )
    parser.add_argument("--json", action="store_true", help="print events on stdout, one JSON object a line")
    search.arguments(parser)
    parser.add_argument(
        "--find-rate",
        action="store_true",
        help="do not train: raise the learning rate over 100 steps, and say which one fits",
    )
    parser.add_argument(
        "--repair", action="store_true", help="make the changes that the check proposes, and do not ask"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--detach", action="store_true", help="print the run's id and leave it running")
    where.add_argument(
        "--hold", action="store_true", help="queue it and leave it held: `openlora runs release` starts it"
    )
    where.add_argument(
        "--foreground",
        action="store_true",
        help="run here, without the shared engine; SIGTERM or SIGUSR1 saves and exits with 75 (resumable)",
    )
    launched.arguments(parser)
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the recipe."""
    recipe = override(recipe_in(args.recipe), given_fields(args))
    if args.search and (args.detach or args.hold or args.foreground or args.find_rate):
        raise Problem("--search stays attached, and trains nothing else.", do="Say it alone.")
    if args.find_rate:
        recipe = test_of(recipe, given_fields(args))
    check_paths(recipe)
    faults.asked(os.environ)
    home = paths.home()
    recipe, found, failed = mending.before(recipe, repair=args.repair, as_json=args.json)
    if failed is not None:
        return _stopped(failed, as_json=args.json)
    if launched.wanted(args):
        return launched.run(args, recipe, home)
    if args.foreground:
        directory = RunDir.create(home, absolute_text(recipe), job_context())
        return run_here(directory, recipe, EnduringPrinter(as_json=args.json))
    printer = Printer(as_json=args.json)
    with Session(home) as session:
        for note in [*session.welcome.notes, *failed_before(found, session)]:
            printer.say(f"note: {note}")
        if args.search:
            return search.search(recipe, session, args)
        run_id = session.submit(recipe, hold=args.hold)
        if args.detach or args.hold:
            return _detached(run_id, as_json=args.json)
        printer.say(f"run {run_id}; ctrl+c stops and saves, closing the terminal leaves it running")
        state = RunState()
        status = watching.to_the_end(session, run_id, state, printer)
        if args.find_rate:
            finding_rates.tell(state, args.recipe, printer)
        return status


def _stopped(failed: ev.Failed, *, as_json: bool) -> int:
    """Say why no run is begun, as a run would say it."""
    printer = Printer(as_json=as_json)
    printer(RunState(), [ev.encode(failed).rstrip()])
    if as_json:
        printer.say(f"failed: {one_line(failed.what)}")
    return WORK_FAILED


def _detached(run_id: str, *, as_json: bool) -> int:
    if as_json:
        print_document({"run": run_id})
    else:
        print(run_id)
        print(f"`openlora runs watch {run_id}` follows it", file=sys.stderr)
    return 0
