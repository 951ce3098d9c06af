"""Removes what a person chose of a survey, unless something has come to hold it meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from engine import events as ev
from engine.data.shelf import shelf
from engine.event_log import append
from engine.run_dir import RunDir
from engine.storage.survey import Item, Kind


def goes_unasked(item: Item, kinds: Sequence[Kind], *, older_than: float, now: float) -> bool:
    """True for what can go by its kind and age alone: nothing is lost with it, and nobody holds it.

    Args:
        older_than: seconds since it was used last.
    """
    return item.kind in kinds and not item.held and not item.loses and now - item.used >= older_than


def prune(item: Item, root: Path) -> str:
    """Remove it; the reason why it was not, empty where it was.

    What a run has taught stays: its recipe, its events and its adapter.
    """
    if item.held:
        return item.held
    try:
        match item.kind:
            case "tokens":
                return "" if shelf.remove(Path(item.path)) else "a run uses it"
            case "checkpoints":
                return _checkpoints(item, RunDir(root, item.run))
            case "hub":
                _gone(Path(item.path))
                return ""
    except OSError as error:
        return error.strerror or str(error)


def _checkpoints(item: Item, directory: RunDir) -> str:
    with directory.working() as mine:
        if not mine or directory.live:
            return f"run {item.run} is live"
        _gone(Path(item.path))
        append(directory.events, [ev.Pruned(bytes=item.bytes)])
    return ""


def _gone(path: Path) -> None:
    """Renamed first, so that what is half removed is never taken for whole."""
    doomed = path.with_name(f".{path.name}.{os.getpid()}.draft")
    path.rename(doomed)
    shutil.rmtree(doomed)
