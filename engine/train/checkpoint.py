"""Checkpoints: all that the next step depends on, written whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Final

import msgspec
import torch

from engine.atomic import publish, sweep_drafts, sync
from engine.train.adapter import CONFIG, WEIGHTS
from engine.train.batches import Position

_MANIFEST: Final = "manifest.json"
_OPTIMIZER: Final = "optimizer.pt"
VERSION: Final = 1


class Manifest(msgspec.Struct, kw_only=True):
    """What a checkpoint says of itself; written last, so that one with a manifest is complete."""

    step: int
    position: Position
    recipe: str
    """Digest of the recipe."""
    data: str
    """Digest of the training rows."""
    day: str
    """The date that the chat template was given as today's."""
    initial: dict[str, str]
    """Fingerprint of the adapter before the first step."""
    best: float | None
    """Lowest loss on the held-out rows so far."""
    losses: list[float]
    """Of the last ten steps."""
    good: int
    passed_over: int
    measured: int
    """The step at which the held-out loss was measured last."""
    shown: int
    """The step at which samples were made last."""
    budget: int
    """Tokens of a micro-batch at most."""
    version: int = VERSION
    files: dict[str, tuple[int, str]] = {}
    """Size in bytes and BLAKE2 hash of each other file."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A complete checkpoint on disk."""

    path: Path
    manifest: Manifest

    def optimizer(self) -> dict[str, Any]:
        """What `GuardedAdamW.state` returned."""
        return _loaded(self.path / _OPTIMIZER)

    def randomness(self, rank: int) -> dict[str, Any] | None:
        """The random states of `rank`, None where the run had fewer ranks."""
        path = self.path / _random_file(rank)
        return _loaded(path) if path.is_file() else None


def folder_name(step: int) -> str:
    """The name of the checkpoint after `step`; names sort as steps do."""
    return f"step-{step:08d}"


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest complete checkpoint in `folder`, and why newer ones were passed over.

    Half-written ones are removed.
    """
    if not folder.is_dir():
        return None, []
    sweep_drafts(folder)
    rejected: list[str] = []
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            return Checkpoint(path, _checked(path)), rejected
        except (OSError, ValueError, msgspec.DecodeError) as error:
            rejected.append(f"{path.name}: {error}")
    return None, rejected


def write_states(folder: Path, optimizer: dict[str, Any]) -> None:
    """Write the optimizer's state into an unfinished checkpoint."""
    torch.save(optimizer, folder / _OPTIMIZER)


def write_randomness(folder: Path, rank: int, state: dict[str, Any]) -> None:
    """Write one rank's random states into an unfinished checkpoint."""
    torch.save(state, folder / _random_file(rank))


def complete(folder: Path, target: Path, manifest: Manifest) -> int:
    """Give an unfinished checkpoint its manifest and its name.

    Returns:
        Bytes of the checkpoint.
    """
    for file in folder.iterdir():
        sync(file)
        manifest.files[file.name] = (file.stat().st_size, _hash(file))
    (folder / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    shutil.rmtree(target, ignore_errors=True)
    publish(folder, target)
    return sum(size for size, _ in manifest.files.values()) + (target / _MANIFEST).stat().st_size


def keep_newest(folder: Path, step: int, limit: int) -> None:
    """Remove all but the `limit` newest checkpoints up to `step`; those after it are damaged."""
    sound = [path for path in folder.glob("step-*") if path.name <= folder_name(step)]
    for path in sorted(sound, reverse=True)[max(limit, 1) :]:
        shutil.rmtree(path, ignore_errors=True)


def _checked(path: Path) -> Manifest:
    manifest = msgspec.json.decode((path / _MANIFEST).read_bytes(), type=Manifest)
    if manifest.version != VERSION:
        raise ValueError(f"it is of version {manifest.version}, and this program reads {VERSION}")
    if missing := {WEIGHTS, CONFIG, _OPTIMIZER} - manifest.files.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    for name, (size, digest) in manifest.files.items():
        file = path / name
        if file.stat().st_size != size:
            raise ValueError(f"{name} has {file.stat().st_size:,} bytes instead of {size:,}")
        if _hash(file) != digest:
            raise ValueError(f"{name} is damaged")
    return manifest


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _loaded(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def _random_file(rank: int) -> str:
    return f"random-{rank:05d}.pt"
