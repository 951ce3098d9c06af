"""Gives a home its starter model: the cached one, or a new one made here and now, in a worker process."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic, paths, room
from engine import events as ev
from engine.line import Line
from engine.starter.cache import Plan, alone, building, model_folder, seal, whole

_ROOM: Final = 8 << 20
"""Bytes that the model and its tokenizer take at most: a million parameters of four bytes, and files."""
Tell = Callable[[ev.Event], None]


def serve(spec: bytes, line: Line) -> None:
    """Make the model of the plan in `spec` for this process's home; what is said are events."""
    told = False

    def waiting() -> None:
        nonlocal told
        if not told:
            line.say(ev.encode(ev.Phase(name="waiting", detail="for another demo to make the model")))
        told = True
        line.hear()

    plan = msgspec.json.decode(spec, type=Plan)
    ready_model(paths.home(), plan, lambda event: line.say(ev.encode(event)), waiting)


def ready_model(home: Path, plan: Plan, tell: Tell, waiting: Callable[[], None]) -> Path:
    """The folder of the home's starter model, made first if there is none, or only a broken or old one.

    Whatever ends it early, nothing half-made stays; `waiting` is called while another process makes it.
    """
    dest = model_folder(home)
    with alone(home, waiting):
        atomic.sweep(dest)
        if whole(dest, plan):
            tell(ev.Phase(name="starter model", detail=f"is there already: {dest}"))
            return dest
        old = "the one in the cache is broken or of another version"
        tell(ev.Phase(name="loading libraries", detail=old if dest.exists() else ""))
        if not room.fits(room.Need(what="the demo's model", bytes=_ROOM, folder=dest)):
            raise room.problem(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), dest.parent)
        with building(dest) as folder:
            from engine.starter.make import make

            make(folder, plan, tell)
            seal(folder, plan)
    return dest
