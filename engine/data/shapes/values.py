"""Takes texts out of a row, and refuses what is none."""

from __future__ import annotations

from typing import Any

from engine.data.refusal import Refusal
from engine.data.row import Row, listed
from engine.mapping.path import opened
from engine.text import one_line


def text_of(row: Row, name: str, *, optional: bool = False) -> str:
    """The column `name` as a text; a column that is not there is empty where it is `optional`.

    Raises:
        Refusal: it is not there, or no text.
    """
    if name not in row.values and not optional:
        raise Refusal(
            "dataset_format",
            f"The row has no column {name}.",
            where=row.where,
            why=f"Its columns are: {listed(row.values) or 'none'}; other rows of the file have {name}.",
            do="Give every row of a file the same columns.",
        )
    return checked(row, name, row.values.get(name))


def first_of(row: Row, *names: str) -> str:
    """The text of the first of these columns that is there; empty where none is."""
    return next((text_of(row, name) for name in names if name in row.values), "")


def list_of(row: Row, name: str) -> list[Any] | None:
    """The column `name` as a list, or None; a text that holds one in JSON is read, as tables hold it so."""
    value = row.values.get(name)
    value = opened(value) if isinstance(value, str) else value
    return value if isinstance(value, list) else None


def checked(row: Row, name: str, value: object) -> str:
    """`value` as text that has a UTF-8 form; null is the empty text, a number its digits."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise bad(row, name, "a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refusal(
                "dataset_encoding_or_parse",
                f"The column {name} holds half of a character.",
                where=row.where,
                why="An escape such as \\ud83d stands alone; it is only the first half of a pair.",
                do="Write the whole character, or remove the escape.",
            ) from None
    return value


def bad(row: Row, name: str, wanted: str) -> Refusal:
    """What is said of a column that does not hold what it should."""
    what = f"The column {one_line(name, 60)} has to be {wanted}."
    return Refusal("dataset_format", what, where=row.where, do="Mend this row.")
