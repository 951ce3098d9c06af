"""Checkpoints: all that the next step depends on, written whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import torch

from engine.atomic import replace, sweep_all, sync
from engine.train.batches.feed import Position
from engine.train.methods import whole
from engine.train.methods.adapter import CONFIG, WEIGHTS
from engine.watch.watch import Watch

_MANIFEST: Final = "manifest.json"
_OPTIMIZER: Final = "optimizer.pt"
VERSION: Final = 2
_READ: Final = (1, VERSION)
"""Version 1 had no recipe, no digest of its own and no loss of its step."""


_UNSOUND: Final = (OSError, ValueError, msgspec.DecodeError)


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
    passed_over: int = 0
    """Of older versions; the watch counts them now."""
    measured: int
    """The step at which the held-out loss was measured last."""
    shown: int
    """The step at which samples were made last."""
    budget: int
    """Tokens of a micro-batch at most."""
    eval_budget: int = 0
    """The same of held-out rows; 0 in older checkpoints."""
    device: str = ""
    """What the run computed on."""
    recomputes: bool = False
    """True where gradient checkpointing was on, by the recipe or because memory ran out."""
    version: int = VERSION
    files: dict[str, tuple[int, str]] = {}
    """Size in bytes and BLAKE2 hash of each other file."""
    settings: dict[str, Any] = {}
    """The recipe itself, by field; empty in version 1."""
    waited: int = 0
    """Evaluations in a row that early stopping counts as no better."""
    eval_loss: float | None = None
    """Loss on the held-out rows where it was measured at this very step."""
    watch: Watch | None = None
    """What the guard's rules remember; absent in those of older versions."""
    digest: str = ""
    """BLAKE2 hash of all the rest of the manifest."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A complete checkpoint on disk."""

    path: Path
    manifest: Manifest

    @property
    def bytes(self) -> int:
        """What it takes on the disk, its manifest aside."""
        return sum(size for size, _ in self.manifest.files.values())

    def optimizer(self) -> dict[str, Any]:
        """What `GuardedOptimizer.state` returned."""
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

    Half-written ones are removed, and one that was being replaced is put back.
    """
    if not folder.is_dir():
        return None, []
    sweep_all(folder)
    rejected: list[str] = []
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            return Checkpoint(path, _checked(path)), rejected
        except _UNSOUND as error:
            rejected.append(f"{path.name}: {error}")
    return None, rejected


def sound_before(folder: Path, onset: int, broken: int) -> Checkpoint | None:
    """The newest sound checkpoint up to step `onset`, else the oldest before step `broken`."""
    sound = []
    for path in sorted(folder.glob("step-*")):
        try:
            found = Checkpoint(path, _checked(path))
        except _UNSOUND:
            continue
        if found.manifest.step < broken:
            sound.append(found)
    early = [found for found in sound if found.manifest.step <= onset]
    return early[-1] if early else next(iter(sound), None)


def write_states(folder: Path, optimizer: dict[str, Any]) -> None:
    """Write the optimizer's state into an unfinished checkpoint."""
    _save(optimizer, folder / _OPTIMIZER)


def write_randomness(folder: Path, rank: int, state: dict[str, Any]) -> None:
    """Write one rank's random states into an unfinished checkpoint."""
    _save(state, folder / _random_file(rank))


def complete(folder: Path, target: Path, manifest: Manifest) -> int:
    """Give an unfinished checkpoint its manifest and its name.

    Returns:
        Bytes of the checkpoint.
    """
    for file in folder.iterdir():
        sync(file)
        manifest.files[file.name] = (file.stat().st_size, _hash(file))
    manifest.digest = _digest_of(msgspec.to_builtins(manifest))
    (folder / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    replace(folder, target)
    return sum(size for size, _ in manifest.files.values()) + (target / _MANIFEST).stat().st_size


def keep(folder: Path, step: int, limit: int) -> None:
    """Remove all but the `limit` newest checkpoints up to `step` and the best one; later ones are damaged."""
    sound = sorted(path for path in folder.glob("step-*") if path.name <= folder_name(step))
    spared = {path for _, path in _by_loss(sound)[:1]} | set(sound[-max(limit, 1) :])
    for path in sound:
        if path not in spared:
            shutil.rmtree(path, ignore_errors=True)


def best(folder: Path) -> Checkpoint | None:
    """The sound checkpoint with the lowest loss on the held-out rows, the earlier of two equal ones."""
    for _, path in _by_loss(sorted(folder.glob("step-*"))):
        try:
            return Checkpoint(path, _checked(path))
        except _UNSOUND:
            continue
    return None


def _by_loss(paths: Sequence[Path]) -> list[tuple[float, Path]]:
    """Those of the checkpoints at whose step the held-out rows were measured, the lowest loss first.

    That from before the first step is not among them: what it holds has learnt nothing.
    """
    found = []
    for path in paths:
        try:
            manifest = _manifest_of(path)
        except _UNSOUND:
            continue
        if manifest.eval_loss is not None and manifest.step > 0:
            found.append((manifest.eval_loss, path))
    return sorted(found)


def _manifest_of(path: Path) -> Manifest:
    said = (path / _MANIFEST).read_bytes()
    manifest = msgspec.json.decode(said, type=Manifest)
    if manifest.version not in _READ:
        raise ValueError(f"it is of version {manifest.version}, and this program reads up to {VERSION}")
    if manifest.version > 1 and manifest.digest != _digest_of(msgspec.json.decode(said)):
        raise ValueError(f"{_MANIFEST} is damaged")
    return manifest


def _digest_of(said: dict[str, Any]) -> str:
    """Of what the file says, known here or not: a manifest may have more fields, or fewer."""
    return hashlib.blake2b(msgspec.json.encode(said | {"digest": ""}), digest_size=16).hexdigest()


def _checked(path: Path) -> Manifest:
    manifest = _manifest_of(path)
    kept = (CONFIG, WEIGHTS) if CONFIG in manifest.files else (whole.CONFIG, whole.WEIGHTS)
    if missing := {*kept, _OPTIMIZER} - manifest.files.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    for name, (size, digest) in manifest.files.items():
        file = path / name
        if file.stat().st_size != size:
            raise ValueError(f"{name} has {file.stat().st_size:,} bytes instead of {size:,}")
        if _hash(file) != digest:
            raise ValueError(f"{name} is damaged")
    return manifest


def _save(state: dict[str, Any], path: Path) -> None:
    # Through a file of Python's, because torch's own writer does not tell what the disk said.
    with path.open("wb", buffering=0) as file:
        torch.save(state, file)


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _loaded(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def _random_file(rank: int) -> str:
    return f"random-{rank:05d}.pt"
