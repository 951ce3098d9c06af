"""Hugging Face's `trainer_state.json`, which LLaMA-Factory, Axolotl and Unsloth leave too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from engine.advisor.read.figures import FIELD_OF, point_of
from engine.watch.point import Point


def is_state(said: Mapping[str, Any]) -> bool:
    """True for the content of such a file."""
    return isinstance(said.get("log_history"), list)


def history(said: Mapping[str, Any]) -> Iterator[Point]:
    """The points of its log history; what is no number there was not told."""
    for number, entry in enumerate(said["log_history"]):
        if not isinstance(entry, Mapping) or "train_runtime" in entry:
            continue
        told = {FIELD_OF[name]: figure for name, value in entry.items()
                if name in FIELD_OF and (figure := _figure(value)) is not None}  # fmt: skip
        step = told.pop("step", math.nan)
        if told:
            yield point_of(round(step) if math.isfinite(step) else number, told)


def _figure(value: object) -> float | None:
    """A figure; a null stands for NaN, because JSON has no word for it."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
