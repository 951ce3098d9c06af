"""`openlora runs tag|note|rename`: what people call runs and think of them."""

from __future__ import annotations

import argparse
import sys

from engine import messages as m
from engine import paths
from engine.lessons.labels import LONGEST, name_in, note_in, tags_after
from engine.problem import Problem
from engine.remarks import Labelled
from openlora_tui.cli import several
from openlora_tui.cli.session import Session


def tag_words(parser: argparse.ArgumentParser) -> None:
    """The words of `tag`."""
    parser.add_argument("tags", nargs="*", metavar="TAG", help="a tag to give")
    parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="a tag to take away")


def note_words(parser: argparse.ArgumentParser) -> None:
    """The words of `note`."""
    parser.add_argument("note", nargs="*", metavar="WORD", help="the note; none takes it away, - reads stdin")


def rename_words(parser: argparse.ArgumentParser) -> None:
    """The words of `rename`."""
    parser.add_argument("name", help="what it is called from now on")


def tag(args: argparse.Namespace) -> int:
    """Give tags to a run, or take them away."""
    with Session(paths.home()) as session:
        run = session.named(args.run)
        had = session.state(run).remarks.tags
        if not args.tags and not args.remove:
            raise Problem("Which tags?", do="Name one or more, or --remove one.")
        return _say(args, session, run, Labelled(tags=tags_after(had, args.tags, args.remove)))


def note(args: argparse.Namespace) -> int:
    """Write a note on a run."""
    words = " ".join(args.note)
    text = note_in(sys.stdin.read(LONGEST + 1) if words == "-" else words)
    with Session(paths.home()) as session:
        return _say(args, session, session.named(args.run), Labelled(note=text))


def rename(args: argparse.Namespace) -> int:
    """Give a run another name."""
    name = name_in(args.name)
    with Session(paths.home()) as session:
        return _say(args, session, session.named(args.run), Labelled(name=name))


def _say(args: argparse.Namespace, session: Session, run: str, remark: Labelled) -> int:
    accepted = session.remark(run, remark)
    return several.told(args, m.Accepted(request="", run=run, note=_told(remark) or accepted.note))


def _told(remark: Labelled) -> str:
    if remark.tags is not None:
        return f"tags: {', '.join(remark.tags)}" if remark.tags else "it has no tags now"
    if remark.name is not None:
        return f"it is called {remark.name} now"
    return "the note was written" if remark.note else "the note was taken away"
