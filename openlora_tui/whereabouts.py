"""Where everything lies that OpenLoRA writes or reads, by names that stay."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine import paths
from engine.hub import cache
from openlora_tui import folders, ui_state


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """One file or folder."""

    name: str
    path: Path
    about: str
    yours: bool = False
    """True where a person, or another program, wrote what is in it."""


def spots() -> list[Spot]:
    """All of them, there or not; the home first, then what is in it, then what lies elsewhere."""
    root = paths.home_path()
    config = folders.config()
    inside = [
        ("runs", "runs", "a folder for each run: recipe, events, console, checkpoints, adapter"),
        ("live", "live", "a marker for each run that has not ended"),
        ("store", "store.sqlite", "the index of runs, made from their folders"),
        ("lessons", "deleted.jsonl", "what deleted runs have taught"),
        ("drafts", "drafts", "recipes of the app that are not saved"),
        ("searches", "searches", "what searches have tried, and their winners as recipes"),
        ("tokens", "tokens", "encoded rows, which runs of the same data share"),
        ("starter", "starter", "the demo's model and rows"),
        ("sides", "sides", "consoles of chats and inspections"),
        ("engine-log", "engine.log", "the engine's own words"),
        ("spare-log", "spare.log", "words of workers that wait for a run"),
        ("openlora-log", "openlora.log", "what `openlora` did not foresee"),
        ("app-log", "tui.log", "what `openlora-tui` did not foresee"),
        ("chat-history", "chat_history", "what was typed in `openlora chat`"),
    ]
    return [
        Spot(name="home", path=root, about="all state; OPENLORA_HOME moves it"),
        *(Spot(name=name, path=root / file, about=about) for name, file, about in inside),
        Spot(name="remembered", path=ui_state.path(), about="the theme that was chosen last"),
        Spot(name="sockets", path=paths.socket_path(), about="where engines and front ends meet"),
        Spot(name="keys", path=config / "keys.toml", about="keys of your own", yours=True),
        Spot(name="themes", path=config / "themes", about="themes of your own", yours=True),
        Spot(name="cache", path=cache.cache_folder(), about="models from the hub, shared with other programs",
             yours=True),
    ]  # fmt: skip


def bytes_below(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links count as themselves, nothing there as 0."""
    try:
        total = path.lstat().st_size if not path.is_dir() or path.is_symlink() else 0
    except OSError:
        return 0
    if path.is_symlink() and path.is_dir():
        path = path.resolve()
    seen: set[tuple[int, int]] = set()
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_size
    return total
