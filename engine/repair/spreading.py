"""Whether what ended one run would end the next one too: then the queue waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine import room
from engine.findings import Category, Finding
from engine.messages import JobContext
from engine.recipe.recipe import Recipe

_DRIVER: Final[Category] = "cuda_driver_or_arch"
_ROOM: Final = 64 << 20
"""Free bytes under which a disk is taken for still full."""
_INSTALLATION: Final = ("packages", "import", "No module")


class Work(msgspec.Struct, frozen=True):
    """What is known of a run that has ended or waits."""

    context: JobContext
    recipe: Recipe
    folder: Path


def spreads(found: Sequence[Finding], failed: Work, waiting: Work) -> str:
    """Why the waiting run would end alike and what to do, in words; empty where it need not.

    Args:
        found: why the run failed, the surest first.
        failed: the run that failed.
        waiting: one that has not begun.
    """
    first = next((finding for finding in found if finding.severity == "blocker"), None)
    if first is None:
        return ""
    on_card = "cpu" not in (failed.recipe.devices, waiting.recipe.devices)
    if first.category == _DRIVER and on_card:
        return f"{first.title} See to the card or its driver, then release it."
    if first.category == "save_or_disk" and _still_full(waiting):
        return "The disk is full. Free some space, then release it."
    said = f"{first.title} {first.cause}"
    lacks = first.category == "dependency_version" and any(word in said for word in _INSTALLATION)
    if lacks and failed.context.python == waiting.context.python:
        return f"{first.title} Install what is missing, then release it."
    return ""


def _still_full(waiting: Work) -> bool:
    aside = waiting.recipe.output_dir
    places = [waiting.folder, *([Path(aside)] if aside is not None else [])]
    return any(left is not None and left < _ROOM for left in map(room.free, places))
