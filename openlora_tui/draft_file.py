"""Where a draft that is not saved outlives its app: one file for each app that edits one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.reading import UNDECODABLE, content
from openlora_tui.draft import Kept

_LARGEST: Final = 1 << 24


class DraftFile:
    """Belongs to one app at a time, told by a lock that a crash lets go."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "drafts"
        self._name = ""
        self._lock = -1

    def left(self) -> Kept | None:
        """Take over the newest draft whose app is gone, and return it; None where there is none."""
        try:
            paths = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        except OSError:
            return None
        for path in paths:
            if not self._claim(path.stem):
                continue
            try:
                return msgspec.json.decode(content(path, _LARGEST), type=Kept)
            except (OSError, *UNDECODABLE):  # saved by its app in between, or by another version
                self.drop()
        return None

    def write(self, kept: Kept) -> None:
        """Keep the draft as it is now; raises OSError."""
        if not self._name:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim(uuid.uuid4().hex)
        atomic.write(self._folder / f"{self._name}.json", msgspec.json.encode(kept))

    def clear(self) -> None:
        """The draft is saved, or not wanted."""
        if self._name:
            (self._folder / f"{self._name}.json").unlink(missing_ok=True)

    def drop(self) -> None:
        """Let the file go: it stays for whoever comes next, where there is one."""
        if self._name:
            with contextlib.suppress(OSError):
                (self._folder / f"{self._name}.lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._name, self._lock = "", -1

    def _claim(self, name: str) -> bool:
        lock = os.open(self._folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._name, self._lock = name, lock
        return True
