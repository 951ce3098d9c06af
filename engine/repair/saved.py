"""A run's checkpoints as their manifests tell of them, read without torch."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.reading import UNDECODABLE, content
from engine.run_dir import RunDir

_MANIFEST: Final = "manifest.json"
_COURSE: Final = "course.json"
_LARGEST: Final = 1 << 24
_ABOVE: Final = 1.1
"""Times the lowest loss: a checkpoint above it was written when the run had begun to go wrong."""
_SPOILT: Final = 1.5
"""Times the first loss, or the lowest mean: as in `engine/watch/worse.py` and `rising.py`."""
_FLOOR: Final = 0.1


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a manifest; the worker that goes on from it compares the hashes too."""

    step: int
    settings: dict[str, Any] = {}
    losses: list[float] = []
    """Of the ten steps before."""
    eval_loss: float | None = None
    files: dict[str, tuple[int, str]] = {}
    """Size in bytes and hash of each other file."""
    watch: dict[str, Any] | None = None
    """What the rules of `engine/watch` remembered."""

    @property
    def ceiling(self) -> float:
        """The loss above which the run's own rules take it for spoilt; infinite where they cannot tell."""
        told = self.watch or {}
        first = (told.get("worse") or {}).get("first") or 0.0
        lowest = (told.get("diverged") or {}).get("lowest")
        known = [first] if first >= _FLOOR else []
        known += [math.exp(lowest)] if lowest is not None else []
        return _SPOILT * min(known, default=math.inf)

    @property
    def loss(self) -> float | None:
        """Mean of those losses, None where there is none or it is not finite."""
        mean = math.fsum(self.losses) / len(self.losses) if self.losses else math.nan
        return mean if math.isfinite(mean) else None


def saved(directory: RunDir) -> list[tuple[Path, Saved]]:
    """The checkpoints that look whole, the oldest first."""
    found = [(path, manifest) for path in directory.checkpoints.glob("step-*") if (manifest := _whole(path))]
    return sorted(found, key=lambda one: one[1].step)


def best(directory: RunDir) -> tuple[Path, Saved] | None:
    """That with the lowest loss on the held-out rows, else the newest."""
    found = saved(directory)
    measured = [one for one in found if one[1].eval_loss is not None and one[1].step > 0]
    return (
        min(measured, key=lambda one: one[1].eval_loss or 0.0) if measured else next(iter(found[::-1]), None)
    )


def good(directory: RunDir, before: int | None, *, learnt: bool) -> list[tuple[Path, Saved]]:
    """The checkpoints that a linked run may begin with.

    Args:
        before: the step at which the run was seen to be broken, None where no step was.
        learnt: the trouble is in what was learnt, so that a loss above the lowest speaks against one.
    """
    found = [one for one in saved(directory) if before is None or one[1].step < before]
    if not learnt:
        return found
    losses = [manifest.loss for _, manifest in found if manifest.loss is not None]
    lowest = min(losses, default=math.inf)
    return [
        (path, manifest)
        for path, manifest in found
        if manifest.loss is None or manifest.loss <= min(_ABOVE * lowest, manifest.ceiling)
    ]


def take_over(found: list[tuple[Path, Saved]], target: Path) -> None:
    """Give a new run these checkpoints and the course that led to them; raises OSError.

    Files are linked where the disk can, as nothing ever writes into a complete checkpoint.
    """
    for path, _ in found:
        shutil.copytree(path, target / path.name, copy_function=_linked)
    course = found[-1][0].parent / _COURSE if found else None
    if course is not None and course.is_file():
        shutil.copy2(course, target / _COURSE)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _whole(path: Path) -> Saved | None:
    try:
        manifest = msgspec.json.decode(content(path / _MANIFEST, _LARGEST), type=Saved)
        sound = all((path / name).stat().st_size == size for name, (size, _) in manifest.files.items())
    except (OSError, *UNDECODABLE):
        return None
    return manifest if sound else None
