"""Walks folders within bounds, and says paths as short as they can be said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.text import one_line
from openlora_tui.widgets.painted import Row

_DEPTH: Final = 2
_SEEN: Final = 4000
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env"})


def walk(folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """Files and folders of `folder` and below it, nearest first, hidden ones left out, capped."""
    seen = 0
    level = [folder]
    for _ in range(depth + 1):
        below: list[Path] = []
        for place in level:
            try:
                entries = sorted(os.scandir(place), key=lambda entry: entry.name.lower())
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if seen > _SEEN:
                    return
                if entry.name.startswith(".") or entry.name in _SKIPPED:
                    continue
                yield Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    below.append(Path(entry.path))
        level = below


def shown(path: Path, folder: Path) -> str:
    """A path as short as it can be said: relative where it lies below, with `~` for the home."""
    for base, prefix in ((folder, ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return one_line(prefix + str(path.relative_to(base)))
    return one_line(str(path))


def typed_path(text: str, folder: Path) -> Path | None:
    """What a person typed, as a path; None where it cannot be one."""
    if not text or "\0" in text:
        return None
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        return None


def fact(label: str, text: str) -> Row:
    """A label and what there is to say."""
    return Row(label.ljust(9), "dim").add(one_line(text))
