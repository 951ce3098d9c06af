"""What the hub's cache on this machine holds, read from its folders alone; nothing is imported for it.

The layout is the hub's own: `models--OWNER--NAME/{blobs,refs,snapshots/COMMIT}`, where a snapshot's files
are links into `blobs` and `refs/main` holds the commit that `main` meant when it was last fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from engine.hub.names import MAIN, is_commit, is_revision
from engine.json_file import read_object

Kind = Literal["models", "datasets"]

TOKENIZER_FILES: Final = frozenset({
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt", "spiece.model",
    "sentencepiece.bpe.model", "tekken.json",
})  # fmt: skip
"""Any of them tells that a snapshot's tokenizer was fetched too."""
_WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")


class CachedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model in the cache, at the commit that `main` meant when it was last fetched."""

    name: str
    """Its hub id."""
    revision: str
    """The commit, 40 hexadecimal digits."""
    path: Path
    """The folder of that commit's files."""
    bytes: int
    complete: bool
    """True where configuration, tokenizer and all weights are there."""
    architecture: str = ""
    """Its class by its own configuration, such as `LlamaForCausalLM`."""


class CachedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset in the cache, at the commit that `main` meant when it was last fetched."""

    name: str
    revision: str
    path: Path
    bytes: int


def cache_folder(env: Mapping[str, str] | None = None) -> Path:
    """Where the hub's cache lies for a process with the variables `env` (this one's by default)."""
    env = os.environ if env is None else env
    named = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE")
    if not named:
        caches = env.get("XDG_CACHE_HOME") or "~/.cache"
        named = os.path.join(env.get("HF_HOME") or os.path.join(caches, "huggingface"), "hub")
    return Path(os.path.expandvars(os.path.expanduser(named))).absolute()


def repository(name: str, env: Mapping[str, str] | None = None, kind: Kind = "models") -> Path:
    """The folder that the cache keeps, or would keep, for the repository."""
    return cache_folder(env) / f"{kind}--{name.replace('/', '--')}"


def models(env: Mapping[str, str] | None = None) -> list[CachedModel]:
    """Every model of which something is in the cache, by name; walks the disk, so not for a UI's thread."""
    found = []
    for name, commit, path in _repositories("models", env):
        config = read_json(path / "config.json")
        classes = config.get("architectures")
        found.append(
            CachedModel(
                name=name,
                revision=commit,
                path=path,
                bytes=bytes_of(path),
                complete=is_whole(path),
                architecture=str(classes[0]) if isinstance(classes, list) and classes else "",
            )
        )
    return found


def datasets(env: Mapping[str, str] | None = None) -> list[CachedDataset]:
    """Every dataset in the cache, by name; walks the disk, so not for a UI's thread."""
    return [
        CachedDataset(name=name, revision=commit, path=path, bytes=bytes_of(path))
        for name, commit, path in _repositories("datasets", env)
    ]


def snapshot(model: str, revision: str | None = None, env: Mapping[str, str] | None = None) -> Path | None:
    """The folder with all that training needs of the hub model, or None where not all of it is here.

    Args:
        revision: a commit, branch or tag; `main` if left out.
    """
    folder = repository(model, env)
    commit = commit_of(folder, revision or MAIN)
    path = folder / "snapshots" / (commit or "")
    return path if commit and is_whole(path) else None


def commit_of(folder: Path, revision: str) -> str | None:
    """The commit that `revision` means in the repository's folder, as far as this machine knows."""
    if is_commit(revision):
        return revision
    if not is_revision(revision):
        return None
    try:
        return (folder / "refs" / revision).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def is_whole(path: Path) -> bool:
    """True where a model's folder has configuration, tokenizer and every file of its weights."""
    if not (path / "config.json").is_file() or not any((path / name).is_file() for name in TOKENIZER_FILES):
        return False
    return any((path / name).is_file() or _sharded(path, name) for name in _WEIGHTS)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty where there is none that can be read."""
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}


def shards(index: dict[str, Any]) -> set[str]:
    """The files that an index of weights names."""
    names = index.get("weight_map")
    return {str(name) for name in names.values()} if isinstance(names, dict) else set()


def _sharded(path: Path, weights: str) -> bool:
    named = shards(read_json(path / f"{weights}.index.json"))
    return bool(named) and all((path / name).is_file() for name in named)


def _repositories(kind: Kind, env: Mapping[str, str] | None) -> Iterator[tuple[str, str, Path]]:
    """Name, commit and folder of each repository that has a snapshot."""
    try:
        folders = sorted(cache_folder(env).glob(f"{kind}--*"), key=lambda path: path.name.lower())
    except OSError:
        return
    for folder in folders:
        commit = commit_of(folder, MAIN) or ""
        path = folder / "snapshots" / commit
        if not commit or not path.is_dir():
            path = _newest(folder / "snapshots") or path
            commit = path.name
        if is_commit(commit) and path.is_dir():
            yield folder.name.removeprefix(f"{kind}--").replace("--", "/"), commit, path


def _newest(snapshots: Path) -> Path | None:
    try:
        return max(snapshots.iterdir(), key=lambda path: path.stat().st_mtime, default=None)
    except OSError:
        return None


def bytes_of(path: Path) -> int:
    """Bytes of a snapshot's files, each that is linked twice counted once."""
    seen = {}
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                facts = os.stat(os.path.join(folder, name))
            except OSError:
                continue
            seen[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(seen.values())
