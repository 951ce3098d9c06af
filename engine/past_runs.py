"""What past runs left, looked up in their directories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import events as ev
from engine.paths import runs_folder
from engine.problem import Problem
from engine.reading import opened
from engine.run_dir import RunDir, all_runs, is_run

LAST: Final = "last"
_TAIL: Final = 1 << 18
_MARK: Final = "adapter_config.json"


def adapter_of_run(root: Path, word: str) -> Path:
    """The folder of the adapter that a run left; `word` is its number, its name, or `last`.

    The newest run of that name counts, and `last` is the newest run that left an adapter.

    Raises:
        Problem: there is no such run, or it has left no adapter.
    """
    if word == LAST:
        found = next((path for run in _newest(root) if (path := _adapter(run)) is not None), None)
        if found is None:
            raise Problem(
                "`adapter: last`: no run has left an adapter yet.", do="Name a folder with an adapter."
            )
        return found
    directory = _called(root, word)
    if directory is None:
        raise Problem(
            f"`adapter`: there is no run {word!r}.",
            do="`openlora runs` lists them; a folder is written as a path, such as ./adapter.",
        )
    found = _adapter(directory)
    if found is None:
        raise Problem(
            f"`adapter`: run {directory.run} has left no adapter.",
            where=str(directory.adapter),
            do="Wait until it has ended, or choose another run.",
        )
    return found


def run_called(root: Path, word: str) -> RunDir:
    """The run that `word` means: its number, its name (the newest of it), or `last`.

    Raises:
        Problem: there is none.
    """
    found = next(iter(_newest(root)), None) if word == LAST else _called(root, word)
    if found is None:
        raise Problem(f"There is no run called {word!r}.", do="`openlora runs` lists them.")
    return found


def _called(root: Path, word: str) -> RunDir | None:
    if is_run(word):
        directory = RunDir(root, word)
        return directory if os.path.isdir(directory.path) else None
    for directory in _newest(root):
        first = created(directory)
        if first is not None and first.name == word:
            return directory
    return None


def maker_of(root: Path, folder: str) -> str | None:
    """The run that left the adapter in `folder`, wherever its recipe had it put."""
    inside = holder_of(root, folder)
    if inside is not None:
        return inside
    wanted = os.path.realpath(folder)
    for directory in _newest(root):
        left = last_word(directory)
        if left is not None and left.adapter and os.path.realpath(left.adapter) == wanted:
            return directory.run
    return None


def holder_of(root: Path, path: str) -> str | None:
    """The run in whose directory `path` lies."""
    runs = os.path.realpath(runs_folder(root))
    inside = os.path.relpath(os.path.realpath(path), runs).split(os.sep)
    if not path.startswith(("/", "~", ".")) or not is_run(inside[0]) or len(inside) < 2:
        return None
    return inside[0] if RunDir(root, inside[0]).path.is_dir() else None


def _adapter(directory: RunDir) -> Path | None:
    """Where the run's finished adapter lies."""
    left = last_word(directory)
    if left is None or left.adapter is None:
        return None
    # A home that was moved keeps its adapters, and the paths in its events are old.
    places = [Path(left.adapter), directory.adapter]
    return next((place for place in places if (place / _MARK).is_file()), None)


def last_word(directory: RunDir) -> ev.Terminal | None:
    """How the run ended, None while it has not."""
    try:
        with opened(directory.events) as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        event = ev.decode(line)
        if isinstance(event, ev.Finished | ev.Failed):
            return event
        if isinstance(event, ev.Started | ev.Queued | ev.Step):
            return None
    return None


def created(directory: RunDir) -> ev.Created | None:
    """The first line of the run's events."""
    try:
        with opened(directory.events) as file:
            event = ev.decode(file.readline(_TAIL))
    except OSError:
        return None
    return event if isinstance(event, ev.Created) else None


def _newest(root: Path) -> Iterator[RunDir]:
    return (RunDir(root, run) for run in reversed(all_runs(root)))
