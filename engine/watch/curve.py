"""A curve from a table as other trainers write them: `step,loss,eval_loss,grad_norm,lr`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from engine.watch.point import Point


def points_of(path: Path) -> Iterator[Point]:
    """The points of a CSV file with a header; an empty cell is a figure that was not told.

    Raises:
        ValueError: a cell is no number.
        OSError: the file cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            yield Point(
                step=round(float(row.get("step") or number)),
                loss=_told(row, "loss"),
                eval_loss=_told(row, "eval_loss"),
                grad_norm=_told(row, "grad_norm"),
                lr=_told(row, "lr"),
            )


def _told(row: dict[str, str], name: str) -> float | None:
    return float(row[name]) if row.get(name) else None
