"""A curve from a table: TensorBoard's and W&B's exports, a trainer's own CSV, any with a header."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from engine.advisor.read.figures import FIELD_OF, number, point_of
from engine.problem import Problem
from engine.reading import content
from engine.watch.point import Point

_MOST: Final = 1 << 28
_FIELDS: Final = ("step", "loss", "eval_loss", "grad_norm", "lr")
_AGGREGATES: Final = ("__min", "__max", "__step", "_min", "_max")
_VALUE: Final = "value"


def curve_in(path: Path) -> list[Point]:
    """The points of the table in `path`.

    Raises:
        Problem: it cannot be read, or has no column with a loss.
    """
    try:
        text = content(path, _MOST).decode("utf-8-sig", "replace")
    except OSError as error:
        raise Problem("The curve cannot be read.", where=str(path), why=f"{error.strerror}.") from error
    return curve_of(text, where=str(path))


def curve_of(text: str, *, where: str = "") -> list[Point]:
    """The points of a table; an empty cell is a figure that was not told.

    A column is known by the last part of its name, as in `run-7 - train/loss`. A table with nothing but
    steps and values, as TensorBoard exports it, is taken for the loss, or for what the file's name says.

    Raises:
        Problem: it has no column with a loss.
    """
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = _delimiter(first)
    body = text.lstrip("\r\n").replace(",", ".") if delimiter == ";" else text.lstrip("\r\n")
    rows = csv.reader(io.StringIO(body), delimiter=delimiter)
    try:
        columns = _columns(next(rows, []), Path(where).stem.lower())
        if not {"loss", "eval_loss", "grad_norm"} & columns.keys():
            names = ", ".join(first.strip().split(delimiter)[:12])
            raise Problem(
                "The table has no column with a loss.", where=where, why=f"It has: {names}.", do=_DO
            )
        return list(_together(_points(rows, columns)))
    except csv.Error as error:
        raise Problem("The table cannot be read.", where=where, why=f"{error}.", do=_DO) from error


_DO: Final = "It needs a header such as `step,loss,eval_loss,grad_norm,lr`."


def _delimiter(first: str) -> str:
    return max(",\t;", key=first.count)


def _columns(names: list[str], stem: str) -> dict[str, int]:
    """The column of each field; the first that means it."""
    found: dict[str, int] = {}
    for at, name in enumerate(names):
        field = _field(name)
        if field:
            found.setdefault(field, at)
    plain = [name.strip().lower() for name in names]
    if _VALUE in plain and "loss" not in found:
        found[_field(stem.replace("_", "/")) or _field(stem) or "loss"] = plain.index(_VALUE)
    return found


def _field(name: str) -> str:
    words = name.strip().strip("\"'").lower()
    if words.endswith(_AGGREGATES):
        return ""
    words = words.rpartition(" - ")[2]
    for tail in (words, "/".join(words.split("/")[-2:]), words.rpartition("/")[2]):
        if tail in FIELD_OF:
            return FIELD_OF[tail]
    return next((field for field in _FIELDS[:0:-1] if words.endswith(f"_{field}")), "")


def _points(rows: Iterable[list[str]], columns: dict[str, int]) -> Iterator[Point]:
    for count, row in enumerate(rows):
        told = {field: number(row[at]) for field, at in columns.items() if at < len(row) and row[at].strip()}
        step = told.pop("step", math.nan)
        if told:
            yield point_of(round(step) if math.isfinite(step) else count, told)


def _together(points: Iterable[Point]) -> Iterator[Point]:
    """Points of one step made one, as where training and evaluation are rows of their own."""
    last: Point | None = None
    for point in points:
        both = last is not None and last.step == point.step and not _clash(last, point)
        if last is not None and not both:
            yield last
        last = _joined(last, point) if last is not None and both else point
    if last is not None:
        yield last


def _clash(one: Point, other: Point) -> bool:
    return any(getattr(one, name) is not None and getattr(other, name) is not None for name in _FIELDS[1:])


def _joined(one: Point, other: Point) -> Point:
    told = {
        name: value for p in (one, other) for name in _FIELDS[1:] if (value := getattr(p, name)) is not None
    }
    return point_of(one.step, told)
