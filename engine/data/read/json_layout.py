"""Where in a JSON file the rows are: a list, lines, a list within an object, SQuAD's articles, columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.data.read.json_values import BROKEN, PLAIN
from engine.data.read.json_window import Window
from engine.data.read.source import Source
from engine.data.refusal import Refusal
from engine.data.row import TOP, Start, listed

_ENOUGH_ROWS: Final = 256
_ENOUGH_TEXT: Final = 4 << 20
"""Bytes of a list within an object after which nobody waits for its end to know that it holds the rows."""
_MOST_COLUMNS: Final = 64
"""Columns that are lists; each is read by a reader of its own."""
_NAMES_OF_ROWS: Final = {
    *("data", "rows", "examples", "items", "records", "instances", "dataset", "samples", "entries"),
    *("results", "train", "test", "validation"),
}


class Lines(msgspec.Struct, frozen=True):
    """One value a line."""


class Values(msgspec.Struct, frozen=True):
    """Values one after the other, each over several lines."""

    start: Start


class Elements(msgspec.Struct, frozen=True):
    """The elements of a list."""

    start: Start
    """Of what follows its opening bracket."""
    inside: bool = False
    """Within an object, of which what follows the list is not known."""


class Articles(msgspec.Struct, frozen=True):
    """SQuAD: articles with paragraphs with questions."""

    start: Start


class Columns(msgspec.Struct, frozen=True):
    """An object of lists of the same length."""

    starts: dict[str, Start]


class Alone(msgspec.Struct, frozen=True):
    """One object, which is the only row."""

    start: Start


Layout = Lines | Values | Elements | Articles | Columns | Alone


class _Member(msgspec.Struct):
    """One value of the object at the top."""

    name: str
    start: Start
    kind: str = "other"
    """`rows`, `turns`, `articles` for lists of objects; `list`, `empty`, `other`."""
    count: int = 0
    whole: bool = True


def layout_of(source: Source) -> Layout:
    """How the rows are laid out; found out once.

    Raises:
        Refusal: nothing there is JSON, or several lists might be the rows.
    """
    if source.layout is None:
        source.layout = _found(source)
    assert isinstance(source.layout, Layout)
    return source.layout


def _found(source: Source) -> Layout:
    window = Window(source, TOP)
    first = window.skip()
    start = window.here()
    # Of `x.jsonl.gz` too.
    lined = source.path.name.lower().split(".", 1)[-1].startswith(("jsonl", "ndjson"))
    if first == "[":
        if lined and _line_alone(window) is list and _follows(window):
            return Lines()
        window.at += 1
        return Elements(window.here())
    if first != "{":
        return Lines()
    if lined and _line_alone(window) is not None:
        return Lines()
    try:
        members = _members(window)
    except BROKEN as error:
        if lined or _a_line_alone(window, source):
            return Lines()
        raise window.refusal(error) from None
    end = window.here()
    seen = not members or members[-1].whole
    if seen and window.skip():
        return Lines() if end.line == start.line else Values(start)
    return _of(source.path, members, start)


def _line_alone(window: Window) -> type | None:
    """The kind of value that the line at the place is by itself; None where it is none."""
    while "\n" not in window.text[window.at :] and len(window.text) - window.at < _ENOUGH_TEXT:
        if not window.more():
            break
    line = window.text[window.at :].partition("\n")[0]
    try:
        return type(PLAIN.decode(line))
    except BROKEN:
        return None


def _follows(window: Window) -> bool:
    """True where more than blanks follow the line at the place."""
    while not (rest := window.text[window.at :].partition("\n")[2].strip()) and window.more():
        pass
    return bool(rest)


def _a_line_alone(window: Window, source: Source) -> bool:
    """True where one of the first lines is an object by itself: these are lines, and the first one is bad."""
    head = source.head.decode(source.encoding.codec, "replace").split("\n")[:8]
    for line in head:
        try:
            if isinstance(PLAIN.decode(line), dict):
                return True
        except BROKEN:
            continue
    return False


def _members(window: Window) -> list[_Member]:
    """The members of the object at the place, which moves behind it; fewer where a list of rows is long."""
    window.at += 1
    found: list[_Member] = []
    while window.skip() != "}":
        if found:
            _expect(window, ",")
        found.append(_member(window, _name(window)))
        if not found[-1].whole:
            return found
    window.at += 1
    return found


def lists_behind(window: Window) -> list[str]:
    """The names of further lists of rows, in the object within which one has just ended."""
    found = []
    try:
        while window.skip() == ",":
            window.at += 1
            member = _member(window, _name(window))
            found += [member.name] if member.kind in ("rows", "articles") else []
            if not member.whole:
                break
    except BROKEN:
        pass
    return found


def _name(window: Window) -> str:
    """The name at the place, which moves behind the colon."""
    window.skip()
    name = window.value()
    if not isinstance(name, str):
        raise json.JSONDecodeError("Expecting property name in double quotes", window.text, window.at)
    window.skip()
    _expect(window, ":")
    return name


def _expect(window: Window, sign: str) -> None:
    if window.text[window.at : window.at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting '{sign}' delimiter", window.text, window.at)
    window.at += 1


def _member(window: Window, name: str) -> _Member:
    if window.skip() != "[":
        member = _Member(name, window.here())
        window.value()
        return member
    window.at += 1
    member = _Member(name, window.here(), "empty")
    objects = True
    while window.skip() != "]":
        if member.count:
            _expect(window, ",")
            window.skip()
        value = window.value()
        objects = objects and isinstance(value, dict)
        member.kind = _kind(value, member) if objects else "list"
        member.count += 1
        long = member.count > _ENOUGH_ROWS and window.here().offset - member.start.offset > _ENOUGH_TEXT
        if long and member.kind in ("rows", "articles"):
            member.whole = False
            return member
    window.at += 1
    return member


def _kind(value: dict[str, Any], member: _Member) -> str:
    if not {"role", "from"} & set(value):
        return "articles" if isinstance(value.get("paragraphs"), list) and member.kind != "rows" else "rows"
    return "turns" if member.kind in ("empty", "turns") else "rows"


def _of(path: Path, members: list[_Member], start: Start) -> Layout:
    rows = [member for member in members if member.kind in ("rows", "articles")]
    columns = _columns(members)
    if len(rows) == 1 and (rows[0].name.lower() in _NAMES_OF_ROWS or not columns):
        [found] = rows
        if found.kind == "articles":
            return Articles(found.start)
        return Elements(found.start, inside=True)
    if columns:
        return columns
    if len(rows) > 1 and {member.name.lower() for member in rows} <= _NAMES_OF_ROWS:
        raise several(path, start.line, [member.name for member in rows])
    return Alone(start)


def _columns(members: list[_Member]) -> Columns | None:
    lengths = {member.count for member in members if member.kind in ("list", "rows")}
    lists = all(member.kind in ("list", "rows") for member in members)
    if not (lists and len(lengths) == 1 and lengths != {0}) or len(members) > _MOST_COLUMNS:
        return None
    if len(members) == 1 and (lengths == {1} or members[0].kind == "rows"):
        return None
    return Columns({member.name: member.start for member in members})


def several(path: Path, line: int, names: list[str]) -> Refusal:
    """What is said of an object with more than one list of rows."""
    return Refusal(
        "dataset_format",
        f"The object holds several lists of rows: {listed(names)}.",
        where=f"{path}:{line}",
        why="Nobody can tell which of them is meant.",
        do="Save each as a file of its own.",
    )
