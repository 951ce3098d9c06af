"""How much room a run needs on the disk, from what its adapter holds; known before anything is written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import msgspec

from engine import room
from engine.problem import WORK_FAILED, Problem
from engine.recipe.recipe import Recipe
from engine.room import Need
from engine.text import amount

_MOMENTS: Final = 2
"""AdamW keeps a mean and a square for each parameter, in its own precision."""
_HEADER: Final = 256
"""Bytes that safetensors spends on a tensor's name, shape and place, names of 200 letters included."""
_ENTRIES: Final = 2048
"""Bytes that torch and the manifest spend on a parameter: three entries of a zip with their padding."""
_FIXED: Final = 48 << 10
"""Configuration, manifest and random states (5 kB a rank)."""
EVENT: Final = 256
"""Bytes of a step's line in the run's events."""


def adapter_bytes(weights: int, tensors: int) -> int:
    """What an adapter of that many bytes in that many tensors takes at most, a few kB aside."""
    return weights + tensors * _HEADER + (16 << 10)


def checkpoint_bytes(weights: int, tensors: int, ranks: int = 1) -> int:
    """What a checkpoint of such an adapter takes at most."""
    return (
        adapter_bytes(weights, tensors) + _MOMENTS * weights + tensors * _ENTRIES + _FIXED + ranks * (8 << 10)
    )


def at_once(recipe: Recipe, steps: int, *, measured: bool) -> int:
    """Checkpoints that lie on the disk at one moment: those kept, the best, and the one being written."""
    saves = math.ceil(steps / recipe.save_steps) if recipe.save_steps else 1
    return min(recipe.save_total_limit + measured + 1, max(saves, 1))


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will write."""

    checkpoints: int
    """How many lie there at one moment."""
    each: int
    """Bytes of one of them."""
    adapter: int
    """Bytes of the finished adapter."""
    steps: int
    """Steps that are still to be told of."""
    held: int = 0
    """Bytes that its checkpoints take already."""


def prove_room(wanted: Wanted, run: Path, adapter: Path) -> None:
    """See to it that the disk can take what a run will leave in its folder `run` and at `adapter`.

    Raises:
        Problem: how much is needed, where, how much is free, and what could go.
    """
    growth = max(wanted.checkpoints * wanted.each - wanted.held, 0) + wanted.steps * EVENT
    together = room.same_disk(run, adapter.parent)
    parts = f"{wanted.checkpoints} checkpoints of {amount(wanted.each)} at once"
    if together:
        parts += f" and the adapter of {amount(wanted.adapter)}"
    _prove(Need(what="this run", bytes=growth + together * wanted.adapter, folder=run), parts, run)
    if not together:
        _prove(Need(what="the adapter", bytes=wanted.adapter, folder=adapter.parent), "", run)


def _prove(need: Need, parts: str, run: Path) -> None:
    if room.fits(need):
        return
    left = room.free(need.folder) or 0
    raise Problem(
        f"The disk has no room for {need.what}: {amount(need.bytes)} needed, {amount(left)} free.",
        where=str(need.folder),
        why=f"It will hold {parts}." if parts else "",
        do=f"{room.freeing(need, run)} Or lower save_total_limit, or set output_dir or OPENLORA_HOME to a "
        "folder on a larger disk.",
        exit_status=WORK_FAILED,
    )
