"""`openlora runs eaten`: the rows that a step was taught with."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.eaten.suspect import suspect_step
from engine.eaten.told import ALONE, PAIRED
from engine.event_log import EventReader
from engine.past_runs import run_called
from engine.run_state import RunState, fold
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.printer import number

if TYPE_CHECKING:
    from engine.eaten.told import Eaten

_WIDTH: Final = 2_000


def add_words(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    parser.add_argument("--step", type=int, metavar="N", help="which; the last that was found fault with")


def run_eaten(args: argparse.Namespace) -> int:
    """Print what the step was taught with: on stdout, as JSON or as text."""
    from engine.eaten.look import Kitchen  # reads data, which no other command of `runs` does

    directory = run_called(paths.home(), args.run)
    state = fold(EventReader(directory.events), RunState(run=directory.run))
    step = args.step if args.step is not None else suspect_step(state)
    eaten = Kitchen(directory).eaten(step)
    if args.json:
        print_document(eaten)
        return 0
    print(headline(eaten), file=sys.stderr)
    print(PAIRED if any(row.paired for row in eaten.rows) else ALONE, file=sys.stderr)
    for row in eaten.rows:
        print(f"\n{one_line(row.where, 200)}  {row.tokens:,} tokens, {row.learnt:,} learnt")
        for part in row.told():
            print(f"  {part.mark} {one_line(part.text, _WIDTH)}")
    return 0


def headline(eaten: Eaten) -> str:
    """The step in one line."""
    loss = "not finite, or passed over" if eaten.loss is None else number(eaten.loss)
    norm = "" if eaten.grad_norm is None else f", gradient {number(eaten.grad_norm)}"
    return f"step {eaten.step:,}, epoch {eaten.epoch + 1:,}: {len(eaten.rows):,} rows, loss {loss}{norm}"
