"""Where the starter model is kept, and how a whole one is told from a broken one."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic

MAKER: Final = 1
"""Counts up when the maker changes what it makes; an older model is made anew."""
_MANIFEST: Final = "starter.json"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides the starter model; another plan makes another model."""

    seed: int = 1
    tales: int = 14_000
    vocabulary: int = 640
    width: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 448
    length: int = 128
    rows: int = 8
    steps: int = 850
    rate: float = 5e-3
    matrix_rate: float = 2e-2
    spread: float = 0.06


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    maker: int
    plan: Plan
    files: dict[str, str]
    """SHA-256 of each file."""


def starter_folder(home: Path) -> Path:
    """Where a home keeps everything of the demo."""
    return home / "starter"


def model_folder(home: Path) -> Path:
    """Where a home keeps its starter model."""
    return starter_folder(home) / "starter-1M"


def seal(folder: Path, plan: Plan) -> None:
    """Write down what a finished model consists of; a folder without this is no model."""
    files = {path.name: _digest(path) for path in sorted(folder.iterdir()) if path.name != _MANIFEST}
    manifest = _Manifest(maker=MAKER, plan=plan, files=files)
    atomic.write(folder / _MANIFEST, msgspec.json.encode(manifest))


def whole(folder: Path, plan: Plan) -> bool:
    """True where `folder` holds a model made by this plan and not a byte has changed since."""
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=_Manifest)
        same = (manifest.maker, manifest.plan) == (MAKER, plan)
        return same and all(_digest(folder / name) == digest for name, digest in manifest.files.items())
    except (OSError, msgspec.DecodeError):
        return False


@contextmanager
def building(dest: Path) -> Iterator[Path]:
    """An empty folder to build in, one at a time; it becomes `dest` if the body ends well."""
    with atomic.draft(dest) as folder:
        yield folder
        shutil.rmtree(dest, ignore_errors=True)  # old or broken, or it would not be built anew
        atomic.publish(folder, dest)


@contextmanager
def alone(home: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on the home's starter model; `waiting` is called while somebody else has it."""
    folder = starter_folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(0.2)
        yield


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
