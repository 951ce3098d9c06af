"""`openlora runs why A B`: why one of them came out better, and what would tell where that is not sure."""

from __future__ import annotations

import argparse

from engine import paths
from engine.lessons.why import why
from engine.problem import Problem
from openlora_tui.cli import past
from openlora_tui.cli.document import print_document
from openlora_tui.cli.session import Session


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("run", metavar="A", help="a number, a name, or `last`")
    parser.add_argument("other", metavar="B", help="the run to set beside it")


def explain(args: argparse.Namespace) -> int:
    """Say why one is better."""
    with Session(paths.home()) as session:
        found = past.named(session, [args.run, args.other])
        lessons = session.lessons()
    if len(found) < 2:
        raise Problem("That is one run.", do="Name two.")
    answer = why(found[0].lesson, found[1].lesson, lessons)
    if args.json:
        print_document(answer)
        return 0
    print(answer.verdict)
    for reason in answer.reasons:
        print(f"  {reason}")
    if answer.test:
        print(answer.test)
    return 0
