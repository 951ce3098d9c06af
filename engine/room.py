"""Room on a disk: what is free, whether a write was refused for want of it, and what could be deleted."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from engine.findings import Finding
from engine.problem import WORK_FAILED, Problem
from engine.text import amount, one_line

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOLD: Final = re.compile(rf"os error ({'|'.join(map(str, sorted(_FULL)))})\b")
"""How libraries in Rust, such as safetensors, name the error."""
_KEEP_SIZE: Final = 1
"""FALLOC_FL_KEEP_SIZE: blocks beyond the end of the file belong to it, and its size stays."""
_NAMED: Final = 4


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be written."""

    what: str
    """As it follows `no room for`: a checkpoint, the adapter."""
    bytes: int
    folder: Path


def refusal(error: BaseException | None) -> OSError | None:
    """What the disk said where `error` came of a full disk, a quota or a limit on a file; else None."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, OSError) and error.errno in _FULL:
            return error
        if told := _TOLD.search(str(error)):
            return _refused(int(told[1]))
        # torch reports a position that does not fit, while it handles the error that says why.
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


def free(folder: Path) -> int | None:
    """Bytes that this user may still write where `folder` is or will be; None where it is not told."""
    try:
        found = os.statvfs(_there(folder))
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def fits(need: Need) -> bool:
    """True unless the file system says that `need` has no room; a quota may still refuse it."""
    left = free(need.folder)
    return left is None or left >= need.bytes


def granted(need: Need) -> bool:
    """True where the file system would give `need` its blocks now, quota and all."""
    if not fits(need):
        return False
    probe = _there(need.folder) / f".room.{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            reserve(descriptor, 0, need.bytes)
        finally:
            os.close(descriptor)
            probe.unlink(missing_ok=True)
    except OSError as error:
        return refusal(error) is None
    return True


def reserve(descriptor: int, offset: int, length: int) -> None:
    """Give an open file blocks before it needs them, its size unchanged.

    File systems that know no such thing are left as they are.

    Raises:
        OSError: there is no room for them.
    """
    number = _fallocate()(descriptor, _KEEP_SIZE, offset, length)
    if number in _FULL:
        raise _refused(number)


def deletable(run: Path) -> list[tuple[int, Path]]:
    """Folders of checkpoints of runs that have ended, beside the run's folder `run`, the largest first."""
    found = []
    for other in _runs_beside(run):
        size = held(other / "checkpoints")
        if size:
            found.append((size, other / "checkpoints"))
    return sorted(found, reverse=True)


def held(folder: Path) -> int:
    """Bytes that removing `folder` gives back: files that other folders hold too count nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                told = os.lstat(os.path.join(root, name))
            except OSError:
                continue
            total += told.st_size if told.st_nlink == 1 else 0
    return total


def title(need: Need) -> str:
    """The fact, the same words each time."""
    return f"No room on the disk for {need.what}"


def sentence(need: Need, error: OSError | None) -> str:
    """Needed, free, where, and what the disk said, on one line."""
    left, folder = free(need.folder), one_line(str(need.folder))
    left_over = "" if left is None else f", {amount(left)} free"
    # The disk's own word explains a refusal where there seems to be room: a quota, or a limit.
    said = f" ({error.strerror})" if error is not None and error.strerror else ""
    return f"no room for {need.what}: {amount(need.bytes)} needed{left_over} in {folder}{said}"


def freeing(need: Need, run: Path) -> str:
    """What a person can do to make room for `need`."""
    largest = deletable(run) if same_disk(need.folder, run) else []
    if not largest:
        return "Free some space there."
    size, folder = largest[0]
    number = folder.parent.name
    return f"Free some space there: `openlora runs delete {number}` gives back {amount(size)}, for instance."


def finding(need: Need, error: OSError | None, run: Path, step: int | None) -> Finding:
    """Why a run waits, with what is needed, what is free and what could go."""
    largest = deletable(run) if same_disk(need.folder, run) else []
    left = free(need.folder)
    return Finding(
        category="save_or_disk",
        severity="warning",
        title=title(need),
        evidence=[
            f"needed: {amount(need.bytes)} ({need.bytes:,} bytes) for {need.what}",
            f"free: {'unknown' if left is None else f'{amount(left)} ({left:,} bytes)'} in {need.folder}",
            *([f"the disk said: {error.strerror}"] if error is not None and error.strerror else []),
            *(
                f"could go: {amount(size)} in {folder}, of a run that has ended"
                for size, folder in largest[:_NAMED]
            ),
        ],
        cause="The disk is full, or the quota or a limit on the size of a file is reached.",
        remedy=f"{freeing(need, run)} The run goes on by itself when there is room.",
        step=step,
    )


def problem(error: OSError, folder: Path) -> Problem:
    """What a front end is told where something could not be written for want of room."""
    left = free(folder)
    return Problem(
        f"There is no room on the disk: {(error.strerror or 'it is full').lower()}.",
        where=str(error.filename or folder),
        why="" if left is None else f"{amount(left)} are free there.",
        do="Free some space there, then do it again.",
        exit_status=WORK_FAILED,
    )


def _refused(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _there(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def same_disk(one: Path, other: Path) -> bool:
    """True where both lie, or will lie, on one file system."""
    return _there(one).stat().st_dev == _there(other).stat().st_dev


def _runs_beside(run: Path) -> Iterator[Path]:
    live = run.parent.parent / "live"
    try:
        names = os.listdir(run.parent)
    except OSError:
        return
    for name in names:
        if name.isdigit() and name != run.name and not (live / name).exists():
            yield run.parent / name


@cache
def _fallocate() -> Callable[[int, int, int, int], int]:
    """The C library's call, which returns the error's number: Python's own writes zeros if need be."""
    import ctypes  # here, because front ends import this module and never reserve anything

    function = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if function is None:
        return lambda *_: errno.EOPNOTSUPP
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return lambda *words: 0 if function(*words) == 0 else ctypes.get_errno()
