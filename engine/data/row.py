"""One row of a data file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from engine.data.refusal import Refusal


class Start(NamedTuple):
    """Where in a file a row begins: readers can go on from there."""

    offset: int
    """In bytes."""
    line: int


TOP: Final = Start(0, 1)


class Row(msgspec.Struct, frozen=True):
    """One row of a data file; column names are lower case without surrounding spaces."""

    file: str
    line: int
    values: dict[str, Any]
    offset: int = 0
    """Bytes of the file before the row."""

    @property
    def start(self) -> Start:
        """Where it begins."""
        return Start(self.offset, self.line)

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


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
    values = {str(key).strip().lower(): item for key, item in value.items()}
    return Row(str(path), start.line, values, start.offset)


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
