"""What people may call runs: names, tags and notes, as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.problem import Problem
from engine.text import clean, one_line

LONGEST: Final = 2000
"""Characters of a note."""
_TAG: Final = 60


def tags_after(had: Sequence[str], given: Sequence[str], gone: Sequence[str] = ()) -> list[str]:
    """The tags once some were given and some were taken away, each once.

    Raises:
        Problem: a tag is empty or too long.
    """
    taken = {word.lower() for word in gone}
    new = [checked_tag(word) for word in given]
    return [tag for tag in dict.fromkeys([*had, *new]) if tag.lower() not in taken]


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


def note_in(words: str) -> str:
    """A note; raises Problem where it is too long."""
    text = clean(words).strip()
    if len(text) > LONGEST:
        raise Problem("The note is too long.", do=f"Write at most {LONGEST:,} characters.")
    return text
