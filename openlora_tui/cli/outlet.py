"""The one door by which words leave a command: no secret and nothing that steers a terminal goes through."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engine.secrets import Outlet, hidden
from engine.text import clean, in_json

_OVER: Final = "\r\x1b[K"


@contextmanager
def outlets(*, as_json: bool) -> Iterator[None]:
    """Guard the standard streams while a command runs.

    stderr is for people. stdout is for people where it is a terminal; with `as_json` all that could steer a
    terminal is written as JSON's escapes, which mean the same; else a program gets the text as it is.
    """
    before = sys.stdout, sys.stderr
    sys.stderr = Outlet(sys.stderr, _for_people)
    if as_json:
        sys.stdout = Outlet(sys.stdout, in_json)
    elif sys.stdout.isatty():
        sys.stdout = Outlet(sys.stdout, _for_people)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def write_over(text: str) -> None:
    """`text` on stderr in place of the line that the cursor is in."""
    stream = sys.stderr.bare if isinstance(sys.stderr, Outlet) else sys.stderr
    stream.write(_OVER + _for_people(text))
    stream.flush()


def _for_people(text: str) -> str:
    return clean(hidden(text))
