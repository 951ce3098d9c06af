"""The terminal: its size, its colours, its characters."""

from __future__ import annotations

import locale
import os
from collections.abc import Iterator, Mapping
from typing import Final

from engine.doctor.check import Check, good, note, warning

_SMALLEST: Final = (60, 16)
_COMFORT: Final = (80, 24)


def look() -> Iterator[Check]:
    """What the app would find."""
    yield size_check(_size())
    yield term_check(os.environ)
    yield colour_check(os.environ)
    yield locale_check(os.environ)


def _size() -> tuple[int, int] | None:
    columns, lines = os.environ.get("COLUMNS", ""), os.environ.get("LINES", "")
    if columns.isdigit() and lines.isdigit():
        return int(columns), int(lines)
    for descriptor in (1, 0, 2):
        try:
            return tuple(os.get_terminal_size(descriptor))  # type: ignore[return-value]
        except OSError:
            continue
    return None


def size_check(size: tuple[int, int] | None) -> Check:
    """Columns by rows."""
    if size is None:
        return good("size", "no terminal here; `openlora` needs none, `openlora-tui` does")
    found = f"{size[0]} by {size[1]}"
    if size[0] < _SMALLEST[0] or size[1] < _SMALLEST[1]:
        return note("size", found, f"The app needs {_SMALLEST[0]} by {_SMALLEST[1]}: a smaller font helps.")
    if size[0] < _COMFORT[0] or size[1] < _COMFORT[1]:
        return note("size", found, f"The app shows more at {_COMFORT[0]} by {_COMFORT[1]}.")
    return good("size", found)


def term_check(env: Mapping[str, str]) -> Check:
    """Can it move its cursor, and does this machine know it?"""
    term = env.get("TERM", "")
    if term in ("", "dumb"):
        do = "The app needs a terminal that can move the cursor; `openlora` does not."
        return note("TERM", f"{term or 'not set'}", do)
    if not _known(term):
        do = f"The app works; for others, where {term} is known: infocmp -x {term} | ssh HERE tic -x -"
        return note("TERM", f"{term}, which this machine's terminfo does not know", do)
    return good("TERM", term)


def _known(term: str) -> bool:
    try:
        import curses

        curses.setupterm(term, os.open(os.devnull, os.O_WRONLY))
    except ImportError:  # a Python built without it cannot tell
        return True
    except curses.error:
        return False
    return True


def colour_check(env: Mapping[str, str]) -> Check:
    """How many colours the app would use."""
    if env.get("NO_COLOR"):
        return note(
            "colours", "none, because NO_COLOR is set", "Unset it; or openlora-tui --theme NAME overrules it."
        )
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return good("colours", "true colour")
    term = env.get("TERM", "")
    found = "256 colours" if "256" in term else "16 colours"
    if env.get("SSH_CONNECTION") and term not in ("linux", "dumb", ""):
        do = "SSH leaves COLORTERM behind: if your terminal has true colour, export COLORTERM=truecolor."
        return note("colours", f"{found}: true colour is not announced", do)
    return good("colours", found)


def locale_check(env: Mapping[str, str]) -> Check:
    """Are characters beyond ASCII drawn?"""
    named = next((env[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if env.get(name)), "")
    coding = locale.getpreferredencoding(False)
    if coding.lower().replace("-", "") != "utf8":
        do = "export LANG=C.UTF-8, or start the app with --ascii."
        return warning("locale", f"{named or 'none'}, {coding}: lines and marks come out wrong", do)
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        do = "export LANG=C.UTF-8, or have an administrator generate it (locale-gen)."
        return note("locale", f"{named} is not installed on this machine", do)
    if not named or named in ("C", "POSIX"):
        do = "export LANG=C.UTF-8: tmux draws other characters as _ without it."
        return note("locale", f"{named or 'none set'}; Python takes UTF-8", do)
    return good("locale", f"{named}, {coding}")
