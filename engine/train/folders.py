"""Writes folders that are either whole or not there, whatever is killed and when."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_DRAFT: Final = ".draft"
_OLD: Final = ".replaced"


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """A new empty folder beside `target` to write into, removed again unless `publish` took it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / f".{target.name}{_DRAFT}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, target: Path) -> None:
    """Force `folder` to the disk and give it the name of `target`.

    Where `target` holds other files too, only files of the same names are replaced, one by one.
    """
    synced(folder)
    names = {file.name for file in folder.iterdir()}
    there = {file.name for file in target.iterdir()} if target.is_dir() else None
    if there is not None and not (there <= names and _exchanged(folder, target)):
        for name in sorted(names, reverse=True):
            os.replace(folder / name, target / name)
    elif there is None:
        folder.rename(target)
    sync_path(target)
    sync_path(target.parent)


def synced(folder: Path) -> None:
    """Force the files of `folder`, and the folder, to the disk."""
    for file in folder.iterdir():
        sync_path(file)
    sync_path(folder)


def sync_path(path: Path) -> None:
    """Force one file or folder to the disk; file systems that cannot are left as they are."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
    finally:
        os.close(handle)


def sweep(target: Path) -> None:
    """Finish or undo what a killed writer of `target` left behind."""
    old = target.parent / f".{target.name}{_OLD}"
    if old.is_dir() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(target.parent / f".{target.name}{_DRAFT}", ignore_errors=True)


def sweep_drafts(parent: Path) -> None:
    """Remove the unfinished folders in `parent`."""
    for folder in parent.glob(f".*{_DRAFT}"):
        shutil.rmtree(folder, ignore_errors=True)


def _exchanged(folder: Path, target: Path) -> bool:
    """Put `folder` in the place of the folder `target`; False where that one cannot be moved, as a mount."""
    old = target.parent / f".{target.name}{_OLD}"
    shutil.rmtree(old, ignore_errors=True)
    try:
        target.rename(old)
    except OSError:
        return False
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return True


_NO_FSYNC: Final = frozenset({22, 95})
"""EINVAL and EOPNOTSUPP, by which some network file systems refuse to sync a folder."""
