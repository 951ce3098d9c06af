"""Points of a curve from lines of a log, as trainers write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Final

from engine.watch.point import Point

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "step": ("step", "global_step", "train/global_step", "current_steps", "steps", "iter", "iteration"),
    "loss": ("loss", "train_loss", "training_loss", "train loss", "training loss", "train/loss", "lm loss"),
    "eval_loss": (
        "eval_loss", "eval loss", "eval/loss", "val_loss", "val loss", "val/loss", "valid_loss", "valid loss",
        "validation_loss", "validation loss", "evaluation loss", "test_loss",
    ),
    "grad_norm": ("grad_norm", "grad norm", "gradient_norm", "gradient norm", "gnorm", "train/grad_norm"),
    "lr": ("lr", "learning_rate", "learning rate", "train/learning_rate", "train/lr"),
}  # fmt: skip
FIELD_OF: Final = {name: field for field, names in _NAMES.items() for name in names}
"""The field of a point that each name of a figure means, in lower case."""
_NUMBER: Final = r"[-+]?(?:\d[\d,]*\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|nan|inf(?:inity)?)"
_FIGURE: Final = re.compile(
    rf"(?<![\w/])({'|'.join(sorted(map(re.escape, FIELD_OF), key=len, reverse=True))})"
    rf"['\"]?\s*[:=#\[]?\s*(?:is\s+)?['\"]?(?:tensor\()?({_NUMBER}|null|none)(?![\w])",
    re.IGNORECASE,
)
_HEAD: Final = re.compile(r"^\W*(?:step|iteration|iter)\W+(?:training |train )?loss\b", re.IGNORECASE)
_ROW: Final = re.compile(
    rf"^\s*\|?\s*(\d+)\s*[|\t ]\s*({_NUMBER})(?:\s*[|\t ]\s*({_NUMBER}))?\s*\|?\s*$", re.IGNORECASE
)
_BAR: Final = re.compile(r"\d+%\|.*?\|\s*(\d+)/\d+")
_SUMMARY: Final = "train_runtime"


def points_in(lines: Iterable[str]) -> list[Point]:
    """The curve that `lines` tell of, in any of the ways in which trainers write it.

    A line without a step stands a step behind the one before it, or at it where it only evaluates.
    """
    points: list[Point] = []
    table, step = False, 0
    for line in lines:
        row = _ROW.match(line) if table else None
        table = bool(row) or bool(_HEAD.match(line)) or (table and not line.strip("|-+: \t"))
        told = _of_row(row) if row else told_by(line)
        at = told.get("step", math.nan)
        if "loss" in told or "eval_loss" in told:
            step = round(at) if math.isfinite(at) else step + ("loss" in told)
            points.append(point_of(step, told))
        elif bar := _BAR.search(line):
            step = max(step, int(bar[1]) - 1)
    return points


def told_by(line: str) -> dict[str, float]:
    """The figures of one line, by the fields of a point; nothing where it tells of a whole run."""
    if "oss" not in line or _SUMMARY in line:
        return {}
    told: dict[str, float] = {}
    for name, text in _FIGURE.findall(line[:4000]):
        told.setdefault(FIELD_OF[name.lower()], number(text))
    if "step" not in told and (bar := _BAR.search(line)):
        told["step"] = float(bar[1])
    return told


def number(text: str) -> float:
    """A figure as it is written; NaN for what says that there is none."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return math.nan


def is_figures(line: str) -> bool:
    """True for a line that only tells figures or progress, of which a log has thousands."""
    return bool(_BAR.search(line)) or "loss" in told_by(line)


def point_of(step: int, told: Mapping[str, float | None]) -> Point:
    """The point at `step` with the figures that were told."""
    return Point(
        step=step,
        loss=told.get("loss"),
        eval_loss=told.get("eval_loss"),
        grad_norm=told.get("grad_norm"),
        lr=told.get("lr"),
    )


def _of_row(found: re.Match[str]) -> dict[str, float]:
    told = {"step": float(found[1]), "loss": number(found[2])}
    return told | ({"eval_loss": number(found[3])} if found[3] else {})
