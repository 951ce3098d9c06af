"""One row of a data file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from engine.data.refusal import Refusal
from engine.text import one_line


class Start(NamedTuple):
    """Where in a file a row begins: readers can go on from there."""

    offset: int
    """In bytes."""
    line: int


TOP: Final = Start(0, 1)
MOST_COLUMNS: Final = 4096
"""Of a row; the widest table that anyone tunes a model on has some dozens."""
_LISTED: Final = 12
_REMEMBERED: Final = 256
_proved: Final[set[tuple[str, ...]]] = set()
"""Names of columns that were met and are as they should be: nearly all rows have those of the row before."""


class Row(msgspec.Struct, frozen=True):
    """One row of a data file; column names are lower case without surrounding spaces."""

    file: str
    line: int
    values: dict[str, Any]
    offset: int = 0
    """Bytes of the file before the row."""
    times: int = 1
    """How often an epoch draws it."""

    @property
    def start(self) -> Start:
        """Where it begins."""
        return Start(self.offset, self.line)

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


def listed(names: Iterable[str]) -> str:
    """The names with commas, as many as a person reads."""
    shown = list(islice(names, _LISTED + 1))
    return ", ".join(one_line(name, 60) for name in shown[:_LISTED]) + (", …" if len(shown) > _LISTED else "")


def row_of(path: Path, start: Start, value: object) -> Row:
    """The row that a parsed JSON `value` makes.

    Raises:
        Refusal: `value` is no object with columns.
    """
    if not isinstance(value, dict):
        raise Refusal(
            "dataset_format",
            f"A row has to be an object with columns, and this one is {_kind(value)}.",
            where=f"{path}:{start.line}",
            do='Write each row like {"prompt": "…", "completion": "…"}.',
        )
    keys = tuple(value)
    if keys not in _proved:
        names = _names(path, start.line, keys)
        if names != keys:
            value = dict(zip(names, value.values(), strict=True))
        elif len(_proved) < _REMEMBERED:
            _proved.add(keys)
    return Row(str(path), start.line, value, start.offset)


def _names(path: Path, line: int, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the columns, in small letters without spaces around them."""
    if len(keys) > MOST_COLUMNS:
        raise too_wide(path, line, len(keys))
    names = tuple(key.strip().lower() for key in keys)
    if len(set(names)) != len(names):
        raise twice_named(path, line, next(name for name in names if names.count(name) > 1))
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        raise Refusal(
            "dataset_encoding_or_parse",
            "The name of a column holds half of a character.",
            where=f"{path}:{line}",
            why="A code such as \\ud83d stands alone, and is one of two that make a character.",
            do="Mend the name.",
        ) from None
    return names


def too_wide(path: Path, line: int, columns: int) -> Refusal:
    """What is said of a row with more than `MOST_COLUMNS` columns."""
    return Refusal(
        "dataset_format",
        f"The row has {columns:,} columns.",
        where=f"{path}:{line}",
        why=f"Rows for a language model have a few; above {MOST_COLUMNS:,} this is another kind of file.",
        do="Check that the file is what its name says.",
    )


def twice_named(path: Path, line: int, name: str) -> Refusal:
    """What is said of a row in which two columns have one name."""
    return Refusal(
        "dataset_format",
        f"Two columns of the row have the same name: {one_line(repr(name), 60)}.",
        where=f"{path}:{line}",
        why="Nobody can tell which of them is meant; capitals and spaces around a name do not count.",
        do="Rename one of them, or take it out.",
    )


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
