"""What deleted runs taught: the lines of the home's `deleted.jsonl`."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.lessons.lesson import DataPrint, Lesson, ModelPrint
from engine.reading import UNDECODABLE


def from_line(line: bytes) -> Lesson | None:
    """The lesson on a line, those of older versions included; None where there is none."""
    try:
        told = msgspec.json.decode(line)
        if not isinstance(told, dict):
            return None
        known = msgspec.convert(_newer(told), Lesson)
    except UNDECODABLE:
        return None
    return msgspec.structs.replace(known, deleted=True)


def _newer(told: dict[str, Any]) -> dict[str, Any]:
    """The names of the present for what older versions wrote, which knew a model and data by name alone."""
    if isinstance(told.get("model"), dict):
        return told
    kept = {"run", "parent", "name", "status", "steps", "loss", "eval_loss", "reason"}
    older = {name: value for name, value in told.items() if name in kept}
    model = ModelPrint(name=str(told.get("model", "")))
    data = DataPrint(files=[str(file) for file in told.get("data") or []])
    return older | {"model": msgspec.to_builtins(model), "data": msgspec.to_builtins(data)}
