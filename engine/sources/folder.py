"""What lies in a folder of data: files laid out as on the hub, or what `save_to_disk` of `datasets` left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.json_file import read_object
from engine.problem import Problem
from engine.reading import content
from engine.sources.layout import DEFAULT, TRAIN, Layout, layout

_MOST: Final = 100_000
"""Files of a folder; one with more is no folder of data."""
_README: Final = "README.md"
_SAVED, _SAVED_SPLITS = "state.json", "dataset_dict.json"


def layout_of(folder: Path) -> Layout:
    """The data files of the folder, by configuration and split.

    Raises:
        Problem: it cannot be read, or holds too much to be a folder of data.
    """
    if saved := _saved(folder):
        return Layout(configs={DEFAULT: saved}, default=DEFAULT, passed=[])
    try:
        readme = content(folder / _README, 1 << 24).decode("utf-8", "replace")
    except OSError:
        readme = ""
    return layout(_names(folder), readme)


def is_saved(folder: Path) -> bool:
    """True for what `save_to_disk` left."""
    return (folder / _SAVED).is_file() or (folder / _SAVED_SPLITS).is_file()


def _names(folder: Path) -> Iterator[str]:
    """Paths of all files below the folder, hidden folders left out."""
    count = 0
    try:
        for place, folders, files in os.walk(folder, onerror=_raise):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
            inside = os.path.relpath(place, folder)
            for name in files:
                count += 1
                if count > _MOST:
                    raise _too_many(folder)
                yield name if inside == "." else f"{inside}/{name}".replace(os.sep, "/")
    except OSError as error:
        why = f"{error.strerror or error}."
        do = "Name a folder that you may read."
        raise Problem("The folder cannot be read.", where=str(folder), why=why, do=do) from None


def _raise(error: OSError) -> None:
    raise error


def _too_many(folder: Path) -> Problem:
    return Problem(
        f"The folder holds more than {_MOST:,} files.",
        where=str(folder),
        why="That is no folder of data, or one whose rows should lie in fewer files.",
        do="Name the files, or the folder that holds only them.",
    )


def _saved(folder: Path) -> dict[str, list[str]]:
    """Files by split of what `save_to_disk` left, in its own order; empty for any other folder."""
    if (folder / _SAVED_SPLITS).is_file():
        splits = _object(folder / _SAVED_SPLITS).get("splits")
        named = [str(name) for name in splits] if isinstance(splits, list) else []
        return {name: [f"{name}/{file}" for file in _parts(folder / name)] for name in named}
    return {TRAIN: _parts(folder)} if (folder / _SAVED).is_file() else {}


def _parts(folder: Path) -> list[str]:
    state = _object(folder / _SAVED)
    if state.get("_indices_data_files"):
        raise Problem(
            "The dataset was saved with its rows still to be chosen.",
            where=str(folder / _SAVED),
            why="An old version of `datasets` left the choice in a file of its own.",
            do="Open it with `datasets`, call flatten_indices() and save it again.",
        )
    files = state.get("_data_files")
    named = (
        [file.get("filename") for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    )
    parts = [name for name in named if isinstance(name, str) and name == os.path.basename(name)]
    if not parts:
        do = "Save the dataset again."
        raise Problem("It names no file with rows.", where=str(folder / _SAVED), do=do)
    return parts


def _object(path: Path) -> dict[str, object]:
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        why = f"{getattr(error, 'strerror', None) or error}."
        raise Problem(
            "The saved dataset is not whole.", where=str(path), why=why, do="Save it again."
        ) from None
