"""`openlora train --foreground --rdzv-id ID`: one run for a job, however often it begins, on all machines."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import Final

from engine import atomic
from engine.client.context import job_context
from engine.event_log import EventReader
from engine.problem import WORK_FAILED, Problem
from engine.recipe import RecipeFile, absolute_text, read
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from engine.worker.nodes import Node, node_of
from openlora_tui.cli.foreground import EnduringPrinter, begin_again, help_there, run_here, work_here

_PATIENCE: Final = 600.0
"""Seconds in which the first machine has to begin: schedulers start all of them together, images may load."""
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words, which are torchrun's."""
    group = parser.add_argument_group("jobs of a scheduler, with --foreground")
    group.add_argument(
        "--rdzv-id", metavar="ID", help="begin the run of this job, or go on with it where it was begun"
    )
    group.add_argument("--nnodes", type=int, default=1, metavar="N", help="machines that share the run [1]")
    group.add_argument("--node-rank", type=int, default=0, metavar="K", help="this machine among them [0]")
    group.add_argument("--rdzv-endpoint", metavar="HOST:PORT", help="where machine 0 is met")


def wanted(args: argparse.Namespace) -> bool:
    """True where the words are of a job; raises Problem where they lack one."""
    if args.rdzv_id is None:
        if args.nnodes != 1 or args.node_rank or args.rdzv_endpoint:
            raise Problem(
                "Several machines share a job.", do="Name it by --rdzv-id, the same on each of them."
            )
        return False
    if not args.foreground:
        raise Problem("A job of a scheduler runs in the foreground.", do="Add --foreground.")
    if not _NAME.fullmatch(args.rdzv_id):
        raise Problem("That is no name of a job.", where="--rdzv-id", do="Take letters, digits and hyphens.")
    return True


def run(args: argparse.Namespace, recipe: RecipeFile, home: Path) -> int:
    """Begin the job's run, go on with it, or help the machine that leads it."""
    node = node_of(args.nnodes, args.node_rank, args.rdzv_endpoint)
    marker = home / "launches" / args.rdzv_id
    if node.number > 0:
        return _help(marker, recipe, home, node)
    printer = EnduringPrinter(as_json=args.json)
    directory = _begun(marker, home)
    if directory is None:
        directory = RunDir.create(home, absolute_text(recipe), job_context())
        marker.parent.mkdir(mode=0o700, exist_ok=True)
        atomic.write(marker, directory.run.encode())
        return run_here(directory, recipe, printer, node)
    state = _state(directory)
    if state.status in ("succeeded", "stopped"):
        printer.say(f"run {directory.run} of job {args.rdzv_id} has {state.status} already")
        return 0
    state.outcome = None
    if not directory.resumable():
        begin_again(directory)
    return work_here(directory, read(directory.recipe).recipe, state, printer, node)


def _help(marker: Path, recipe: RecipeFile, home: Path, node: Node) -> int:
    end = time.monotonic() + _PATIENCE
    while (directory := _begun(marker, home)) is None:
        if time.monotonic() > end:
            raise Problem(
                "Machine 0 of the job has not begun.",
                where=str(marker),
                why=f"Its run did not appear within {_PATIENCE:,.0f} s.",
                do="OPENLORA_HOME has to be one folder that all machines share; see machine 0's output.",
                exit_status=WORK_FAILED,
            )
        time.sleep(0.5)
    if _state(directory).status in ("succeeded", "stopped"):
        return 0
    return help_there(directory, recipe.recipe, node)


def _begun(marker: Path, home: Path) -> RunDir | None:
    try:
        directory = RunDir(home, marker.read_text())
    except OSError:
        return None
    return directory if directory.path.is_dir() else None


def _state(directory: RunDir) -> RunState:
    reader = EventReader(directory.events)
    state = fold(reader)
    state.offset = reader.offset
    return state
