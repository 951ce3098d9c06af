"""Front end and engine of different versions, which meet where an upgrade came under a live run."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from engine import __version__
from engine import messages as m
from engine.event_log import EventReader
from engine.problem import WORK_FAILED, Problem
from engine.run_dir import RunDir
from engine.run_state import fold

REPLACE = "`openlora engine stop` ends it when nothing runs; the next front end starts its own version."


def difference(welcome: m.Welcome) -> str:
    """What a person should know of an engine of another version; empty where it is the same."""
    if (welcome.version, welcome.protocol) == (__version__, m.PROTOCOL):
        return ""
    return (
        f"The engine is version {welcome.version}, this is {__version__}: runs can be watched, saved and "
        f"stopped, and what only one of the two knows is refused. {REPLACE}"
    )


def speaks_otherwise(welcome: m.Welcome) -> bool:
    """True where the two may take one message for different things."""
    return welcome.protocol != m.PROTOCOL


def not_known(wish: str, version: str) -> Problem:
    """The engine's refusal of a message that only a front end of that version knows."""
    other = f"; this front end is version {version}" if version not in ("", __version__) else ""
    return Problem(
        f"The engine does not know `{wish or 'that message'}`.",
        why=f"It is version {__version__} (process {os.getpid()}){other}.",
        do=REPLACE,
        exit_status=WORK_FAILED,
    )


def understood(root: Path, data: bytes) -> m.ToFront | None:
    """What a front end can make of a message that it cannot read, None where that is nothing.

    A run's state is read from the run's own events instead; an answer becomes a refusal.
    """
    strange = m.strange(data)
    if strange.kind == "Snapshot" and strange.state is not None and strange.run.isdigit():
        return _folded(root, strange.run, strange.state)
    if strange.request:
        problem = Problem("The engine's answer cannot be read.", why="It is of another version.", do=REPLACE)
        return m.Refused(request=strange.request, problem=problem.as_dict(), exit_status=WORK_FAILED)
    return None


def _folded(root: Path, run: str, read: m.StrangeState) -> m.Snapshot:
    state = fold(islice(EventReader(RunDir(root, run).events), read.events))
    state.run, state.offset = run, read.offset
    return m.Snapshot(run=run, state=state)
