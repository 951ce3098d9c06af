"""Writes files and folders that have to be whole: a reader, or a power cut, meets the old or the new.

What bears its own name is whole. What is being written lies beside it under a name that begins with a dot and
ends in `.draft`, and takes the name with one rename, once every byte is on the disk. A folder replaces
another by an exchange of their names; where the system has none, the old one waits under `.replaced` for the
moment between two renames, and `sweep` puts it back where the writer was killed in that moment.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

_DRAFT: Final = ".draft"
_OLD: Final = ".replaced"
_HERE: Final = -100
"""AT_FDCWD of fcntl.h: names that are relative count from the working directory."""
_EXCHANGE: Final = 2
"""RENAME_EXCHANGE of linux/fs.h."""
_NO_FSYNC: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP})
"""By these some network file systems refuse to sync a folder."""


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file `path` by `data`, on disk when this returns; OSError leaves the old one."""
    with stream(path, mode) as file:
        file.write(data)


@contextmanager
def stream(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to write into, which takes the name `path` at the end; if the body raises, the old one stays."""
    # Several processes may write the same file; the last rename wins, and each rename is of a whole file.
    part = path.with_name(f".{path.name}.{os.getpid()}{_DRAFT}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = error.filename or str(path)
        raise
    sync(path.parent)


def append(path: Path, data: bytes) -> None:
    """Add `data` to a file that no one else writes, all of it or nothing; raises OSError."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(file).st_size
        try:
            while data:
                data = data[os.write(file, data) :]
        except OSError as error:
            os.ftruncate(file, before)
            error.filename = error.filename or str(path)
            raise
    finally:
        os.close(file)
    sync(path)


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """A new empty folder beside `target` to write into, removed again unless `publish` took it.

    One process writes a target at a time; ranks that fill one draft together find it by `draft_of`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = draft_of(target)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def draft_of(target: Path) -> Path:
    """Where `target` lies while it is being written."""
    return target.with_name(f".{target.name}{_DRAFT}")


def publish(folder: Path, target: Path) -> None:
    """Force `folder` to the disk and give it the name of `target`.

    Where `target` holds other files too, only files of the same names are replaced, one by one.
    """
    for file in folder.iterdir():
        sync(file)
    sync(folder)
    names = {file.name for file in folder.iterdir()}
    there = {file.name for file in target.iterdir()} if target.is_dir() else None
    if there is not None and not (there <= names and _exchanged(folder, target)):
        for name in sorted(names, reverse=True):
            os.replace(folder / name, target / name)
    elif there is None:
        folder.rename(target)
    sync(target)
    sync(target.parent)


def replace(folder: Path, target: Path) -> None:
    """Force `folder` to the disk and put it in the place of `target`, with all that is there.

    Where the system can exchange two names in one step, a reader meets the old or the new at each moment.
    """
    for file in folder.iterdir():
        sync(file)
    sync(folder)
    if not target.is_dir():
        folder.rename(target)
    elif not _exchanged(folder, target):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(target))
    sync(target.parent)


def _swapped(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot (Linux 3.15 can)."""
    import ctypes

    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is None:
        return False
    return bool(exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def sweep(target: Path) -> None:
    """Finish or undo what a killed writer of the folder `target` left behind; no writer may be at work."""
    old = _old_of(target)
    if old.is_dir() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(draft_of(target), ignore_errors=True)


def sweep_all(parent: Path) -> None:
    """`sweep` whatever was being written in `parent`; no writer may be at work there."""
    for old in parent.glob(f".*{_OLD}"):
        sweep(parent / old.name.removeprefix(".").removesuffix(_OLD))
    for folder in parent.glob(f".*{_DRAFT}"):
        shutil.rmtree(folder, ignore_errors=True)


def sync(path: Path) -> None:
    """Force one file, or a folder's entries, to the disk; file systems that cannot are left as they are."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
    finally:
        os.close(handle)


def _old_of(target: Path) -> Path:
    return target.with_name(f".{target.name}{_OLD}")


def _exchanged(folder: Path, target: Path) -> bool:
    """Put `folder` in the place of the folder `target`; False where that one cannot be moved, as a mount."""
    if _swapped(folder, target):
        return True
    old = _old_of(target)
    shutil.rmtree(old, ignore_errors=True)
    try:
        target.rename(old)
    except OSError:
        return False
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return True
