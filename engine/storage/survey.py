"""Looks at what takes room: checkpoints, encoded rows, the hub's cache; says what holds each of them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from engine import events as ev
from engine.data.shelf.shelf import META, Meta
from engine.hub.cache import bytes_of, cache_folder
from engine.local_model.chosen import chosen
from engine.past_runs import created, last_word
from engine.paths import tokens_folder
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir, all_runs

Kind = Literal["checkpoints", "tokens", "hub"]
KINDS: Final[tuple[Kind, ...]] = ("checkpoints", "tokens", "hub")
ABOUT: Final[dict[Kind, str]] = {
    "checkpoints": "what runs go on from; their adapters, recipes and histories are no part of it",
    "tokens": "encoded rows; the next run on the same data makes them again",
    "hub": "models and datasets of the hub, which other programs use too; they would be fetched again",
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Something that takes room."""

    kind: Kind
    name: str
    path: str
    bytes: int
    used: float
    """When it was written or read last, in seconds since 1970."""
    held: str = ""
    """Why it cannot go now; empty where it can."""
    loses: str = ""
    """What is lost with it that is not made again by itself; such a thing goes only by its name."""
    run: str = ""


def survey(root: Path, env: Mapping[str, str] | None = None) -> list[Item]:
    """All there is, the largest of each kind first; walks the disk, so not for a UI's thread."""
    found = [*_checkpoints(root), *_tokens(root), *_hub(root, env)]
    return sorted(found, key=lambda item: (KINDS.index(item.kind), -item.bytes))


def _checkpoints(root: Path) -> Iterator[Item]:
    for run in all_runs(root):
        directory = RunDir(root, run)
        size = bytes_of(directory.checkpoints)
        if not size:
            continue
        first, last = created(directory), last_word(directory)
        done = isinstance(last, ev.Finished) and last.outcome == "succeeded"
        yield Item(
            kind="checkpoints",
            name=f"run {run}" + (f" {first.name}" if first else ""),
            path=str(directory.checkpoints),
            bytes=size,
            used=directory.checkpoints.stat().st_mtime,
            held=f"run {run} is live" if directory.live else "",
            loses="" if done else f"run {run} has not finished, and could not go on",
            run=run,
        )


def _tokens(root: Path) -> Iterator[Item]:
    folder = tokens_folder(root)
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.is_dir():
            continue
        try:
            with (path / META).open("rb") as file:
                meta = msgspec.json.decode(file.read(), type=Meta)
                held = "" if _free(file.fileno()) else "a run uses it"
            names = ", ".join(os.path.basename(name) for name in meta.data[:3])
            name = f"{names}: {meta.rows:,} rows, {meta.tokens:,} tokens"
        except (OSError, msgspec.DecodeError):
            name, held = "not whole", "it is being written" if path.name.startswith(".") else ""
        yield Item(
            kind="tokens",
            name=name,
            path=str(path),
            bytes=bytes_of(path),
            used=path.stat().st_mtime,
            held=held,
        )


def _free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _hub(root: Path, env: Mapping[str, str] | None) -> Iterator[Item]:
    wanted = _wanted(root)
    for path in sorted(cache_folder(env).glob("*--*")):
        kind, _, rest = path.name.partition("--")
        name = rest.replace("--", "/")
        if kind not in ("models", "datasets") or not path.is_dir():
            continue
        yield Item(
            kind="hub",
            name=f"{name} ({kind.removesuffix('s')})",
            path=str(path),
            bytes=bytes_of(path),
            used=_read_last(path),
            held=f"{wanted[name]} needs it" if name in wanted else "",
        )


def _wanted(root: Path) -> dict[str, str]:
    """Who needs what of the hub, by its name there: live runs, and the advisor."""
    asked = chosen(root)
    found = {asked.source.partition("@")[0]: "the advisor"} if asked.source else {}
    for run in all_runs(root):
        directory = RunDir(root, run)
        if not directory.live:
            continue
        try:
            recipe = read(directory.recipe).recipe
        except Problem:
            continue
        entries = [*recipe.data_entries, *recipe.eval_entries]
        needs = f"run {run} is live and"
        found |= dict.fromkeys([recipe.model, *(entry.path for entry in entries)], needs)
        pinned = directory.pinned()
        found |= {pinned.model: needs} if pinned else {}
    return found


def _read_last(path: Path) -> float:
    """When one of its files was read or written last, as far as the file system tells."""
    newest = path.stat().st_mtime
    for blob in (path / "blobs").glob("*"):
        facts = blob.stat()
        newest = max(newest, facts.st_atime, facts.st_mtime)
    return newest
