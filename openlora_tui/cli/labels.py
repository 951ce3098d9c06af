"""`openlora runs tag|note|rename`: what people call runs and think of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from engine import messages as m
from engine import paths
from engine.problem import Problem
from engine.remarks import Labelled
from engine.text import one_line
from openlora_tui.cli import several
from openlora_tui.cli.session import Session

LONGEST = 2000
_TAG = 60


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


def tags_after(had: Sequence[str], given: Sequence[str], gone: Sequence[str] = ()) -> list[str]:
    """The tags once some were given and some were taken away, each once.

    Raises:
        Problem: a tag is empty or too long.
    """
    taken = {word.lower() for word in gone}
    new = [checked_tag(word) for word in given]
    return [tag for tag in dict.fromkeys([*had, *new]) if tag.lower() not in taken]


def note(args: argparse.Namespace) -> int:
    """Write a note on a run."""
    words = " ".join(args.note)
    text = sys.stdin.read(LONGEST + 1).strip() if words == "-" else words.strip()
    if len(text) > LONGEST:
        raise Problem("The note is too long.", do=f"Write at most {LONGEST:,} characters.")
    with Session(paths.home()) as session:
        return _say(args, session, session.named(args.run), Labelled(note=text))


def rename(args: argparse.Namespace) -> int:
    """Give a run another name."""
    name = name_in(args.name)
    with Session(paths.home()) as session:
        return _say(args, session, session.named(args.run), Labelled(name=name))


def name_in(word: str) -> str:
    """A run's name; raises Problem where it cannot be one."""
    name = one_line(word, 200).strip()
    if not name or name == "last" or name.isdecimal():
        why = "A number or `last` would name another run." if name else ""
        raise Problem(f"A run cannot be called {name!r}.", why=why, do="Choose a word of its own.")
    return name


def checked_tag(word: str) -> str:
    """A tag as it is kept; raises Problem where it is none."""
    tag = one_line(word, 200).strip().replace(",", " ").strip()
    if not tag or len(tag) > _TAG:
        raise Problem(
            f"{one_line(word, 40)!r} is no tag.", do=f"Write a word or two, at most {_TAG} characters."
        )
    return tag


def _say(args: argparse.Namespace, session: Session, run: str, remark: Labelled) -> int:
    accepted = session.remark(run, remark)
    return several.told(args, m.Accepted(request="", run=run, note=_told(remark) or accepted.note))


def _told(remark: Labelled) -> str:
    if remark.tags is not None:
        return f"tags: {', '.join(remark.tags)}" if remark.tags else "it has no tags now"
    if remark.name is not None:
        return f"it is called {remark.name} now"
    return "the note was written" if remark.note else "the note was taken away"
