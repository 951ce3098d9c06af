"""How much room a run needs on the disk, known before anything is written."""

from __future__ import annotations

import math
from typing import Final

from engine import room
from engine.data.refusal import Refusal
from engine.problem import WORK_FAILED
from engine.room import Need
from engine.text import amount
from engine.train.session import Session

_MOMENTS: Final = 2
"""AdamW keeps a mean and a square for each parameter, in its own precision."""
_HEADER: Final = 256
"""Bytes that safetensors spends on a tensor's name, shape and place, names of 200 letters included."""
_ENTRIES: Final = 2048
"""Bytes that torch and the manifest spend on a parameter: three entries of a zip with their padding."""
_FIXED: Final = 48 << 10
"""Configuration, manifest and random states (5 kB a rank)."""
_EVENT: Final = 256
"""Bytes of a step's line in the run's events."""


def adapter_bytes(session: Session) -> int:
    """What the adapter takes at most, a few kB aside."""
    parameters = session.optimizer.parameters
    weights = sum(p.numel() * p.element_size() for p in parameters)
    return weights + len(parameters) * _HEADER + (16 << 10)


def checkpoint_bytes(session: Session) -> int:
    """What the next checkpoint takes: as much as the last one, or a bound from what trains."""
    if session.checkpoint_bytes:
        return session.checkpoint_bytes + (session.checkpoint_bytes >> 6) + (16 << 10)
    parameters = session.optimizer.parameters
    weights = sum(p.numel() * p.element_size() for p in parameters)
    moments = _MOMENTS * weights + len(parameters) * _ENTRIES
    return adapter_bytes(session) + moments + _FIXED + session.machine.world * (8 << 10)


def check_room(session: Session) -> None:
    """See to it before the first step that the disk can take what the run will leave on it.

    Raises:
        Refusal: how much is needed, where, how much is free, and what could go.
    """
    job = session.job
    each, kept = checkpoint_bytes(session), _at_once(session)
    there = room.held(job.checkpoints) if job.checkpoints.is_dir() else 0
    events = (session.steps - session.step) * _EVENT
    checkpoints = max(kept * each - there, 0) + events
    adapter = adapter_bytes(session)
    together = room.same_disk(job.folder, job.adapter.parent)
    parts = f"{kept} checkpoints of {amount(each)} at once"
    if together:
        parts += f" and the adapter of {amount(adapter)}"
    _check(session, Need(what="this run", bytes=checkpoints + together * adapter, folder=job.folder), parts)
    if not together:
        _check(session, Need(what="the adapter", bytes=adapter, folder=job.adapter.parent), "")


def _at_once(session: Session) -> int:
    """Checkpoints that lie on the disk at one moment: those kept, the best, and the one being written."""
    recipe = session.recipe
    saves = math.ceil(session.steps / recipe.save_steps) if recipe.save_steps else 1
    return min(recipe.save_total_limit + (session.held_out is not None) + 1, max(saves, 1))


def _check(session: Session, need: Need, parts: str) -> None:
    if room.fits(need):
        return
    left = room.free(need.folder) or 0
    raise Refusal(
        "save_or_disk",
        f"The disk has no room for {need.what}: {amount(need.bytes)} needed, {amount(left)} free.",
        where=str(need.folder),
        why=f"It will hold {parts}." if parts else "",
        do=f"{room.freeing(need, session.job.folder)} Or lower save_total_limit, or set output_dir or "
        "OPENLORA_HOME to a folder on a larger disk.",
        exit_status=WORK_FAILED,
    )
