"""The home and where it lies: whether it can be written, has room, and holds a whole index."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import paths
from engine.doctor import child
from engine.doctor.check import Check, blocker, gib, good, note, warning
from engine.hub import cache
from engine.problem import Problem
from engine.run_dir import all_runs

_NO_ROOM: Final = 256 << 20
"""Less than a run leaves with one checkpoint of a 1 B model: rank 16 in fp32, with its optimizer's state."""
_LITTLE_ROOM: Final = 5 << 30
"""A few checkpoints of an 8 B model, each about 0.5 GB."""
_LITTLE_CACHE: Final = 20 << 30
"""A model of 8 B parameters in bf16 takes 16 GB."""
_LITTLE_TMP: Final = 256 << 20
_FEW_FILES: Final = 10_000
"""A run writes some 20 files."""
_PROBE: Final = 1 << 20
_SLOW: Final = 1.0
"""Seconds for one file of 1 MiB; local disks take a few hundredths."""
_SKEW: Final = 5.0


def look() -> Iterator[Check]:
    """The home first: without it nothing works."""
    try:
        root = paths.home()
    except Problem as problem:
        yield blocker("home", f"{problem.where}: {problem.what} {problem.why}", problem.do)
    else:
        yield home_check(root)
        yield from write_checks(root)
        yield room_check("disk", root, blocks=_NO_ROOM, little=_LITTLE_ROOM, what="checkpoints")
        yield from _index(root)
    yield room_check("hub cache", cache.cache_folder(), blocks=0, little=_LITTLE_CACHE, what="a large model")
    yield room_check(
        "tmp", Path(tempfile.gettempdir()), blocks=0, little=_LITTLE_TMP, what="packages that compile"
    )
    try:
        paths.socket_folder()
    except (Problem, OSError) as error:
        do = error.do if isinstance(error, Problem) else "Make room in /tmp, and let it be written."
        yield blocker("sockets", str(error), do)


def home_check(root: Path) -> Check:
    """Its file system and who may enter it."""
    kind = paths.file_system(root)
    found = f"{root} on {kind or 'an unknown file system'}"
    facts = root.stat()
    if paths.on_network(root):
        do = "OPENLORA_HOME set to a local folder is faster; one machine at a time may use a shared one."
        return note("home", f"{found}, over the network: the index does without WAL", do)
    if kind in ("tmpfs", "ramfs"):
        return warning("home", f"{found}: all is gone when the machine restarts",
                       "Set OPENLORA_HOME to a folder on a disk.")  # fmt: skip
    if facts.st_uid != os.getuid():
        return warning(
            "home", f"{found} belongs to user {facts.st_uid}", "Set OPENLORA_HOME to one of yours."
        )
    if facts.st_mode & 0o077:
        return note("home", f"{found}: others may enter it", f"chmod 700 {root}")
    return good("home", found)


def write_checks(root: Path) -> Iterator[Check]:
    """One real file: a quota or a read-only disk shows only when something is written."""
    path = root / f".doctor-{os.getpid()}"
    begun = time.monotonic()
    try:
        try:
            with path.open("wb") as file:
                file.write(b"\0" * _PROBE)
                file.flush()
                os.fsync(file.fileno())
            skew = path.stat().st_mtime - time.time()
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        do = "Free some space, ask for a larger quota, or set OPENLORA_HOME to another disk."
        yield blocker("writing", f"a file in the home cannot be written: {error.strerror}", do)
        return
    took = time.monotonic() - begun
    if took > _SLOW:
        yield note("writing", f"a file of 1 MiB took {took:.1f} s to reach the disk",
                   "Saving will be as slow; another disk for OPENLORA_HOME helps.")  # fmt: skip
    else:
        yield good("writing", f"a file of 1 MiB reached the disk in {took:.2f} s")
    if abs(skew) > _SKEW:
        yield note("disk clock", f"the home's disk is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}",
                   "Let file server and machine keep the time by NTP.")  # fmt: skip


def room_check(name: str, folder: Path, *, blocks: int, little: int, what: str) -> Check:
    """Free bytes and free files of the disk that holds a folder, which need not be there yet.

    Args:
        blocks: with fewer bytes than this nothing can run.
        little: fewer bytes than this are worth a warning.
        what: what room is wanted for.
    """
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), Path("/"))
    found = os.statvfs(there)
    free = found.f_frsize * found.f_bavail
    said = f"{gib(free)} free"
    shown = said if name == "disk" else f"{said} at {folder}"
    if free < blocks:
        return blocker(
            name, f"{said}: no run can save", "Free some space, or set OPENLORA_HOME to another disk."
        )
    if found.f_files and found.f_favail < _FEW_FILES:
        return warning(
            name, f"{shown}, but room for {found.f_favail:,} files only", "Delete many small files."
        )
    if free < little:
        return (warning if blocks else note)(
            name, f"{shown}: little for {what}", f"Free some space on {there}."
        )
    return good(name, shown)


def _index(root: Path) -> Iterator[Check]:
    """Read in a child: a damaged or a locked file must not hold the doctor up."""
    path = root / "store.sqlite"
    runs = len(all_runs(root))
    if not path.exists():
        yield good("index", f"none yet; {runs} runs on disk")
        return
    answer = child.ask("engine.store.integrity", str(path), seconds=10.0)
    if not answer.said:
        do = "`openlora engine stop`, then try again."
        yield warning("index", f"cannot be read: {answer.trouble}", do)
        return
    facts = answer.said[-1]
    if facts["said"] != "ok":
        do = "It is rebuilt from the runs by the next engine: `openlora engine stop`, then `openlora runs`."
        yield warning("index", f"{path.name} is damaged: {facts['said']}", do)
    else:
        yield good("index", f"{path.name} is whole, {facts['runs']} of {runs} runs in it")
