"""The rows of a finding as one goes through them; and which findings a person does not want to see again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.findings import Finding
from engine.reading import UNDECODABLE, content
from openlora_tui import folders

_LARGEST: Final = 1 << 20
_FIGURES: Final = re.compile(r"[\d,.]+")


class Trail(msgspec.Struct):
    """Where one is among the rows of a finding."""

    finding: Finding
    rows: Sequence[int] = ()
    """Row numbers; empty while they are on their way."""
    at: int = 0

    @property
    def row(self) -> int | None:
        """The number of the row at which one is."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    def go(self, way: int) -> bool:
        """To the next row, or with -1 to the one before; False where there is none."""
        if not 0 <= self.at + way < len(self.rows):
            return False
        self.at += way
        return True


def name_of(finding: Finding) -> str:
    """What a finding is called from one inspection to the next, whatever its figures."""
    return finding.check or f"{finding.category}: {_FIGURES.sub('#', finding.title)}"


class Dismissed:
    """The findings of some files that were put aside, kept for the next time."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        self._files = list(files)
        self._names = frozenset(_read().get(_key(self._files), ())) if files else frozenset()

    def __contains__(self, finding: Finding) -> bool:
        return name_of(finding) in self._names

    def turn(self, finding: Finding) -> bool:
        """Put a finding aside, or take it back; True where it is aside then.

        Raises:
            OSError: this cannot be written down.
        """
        self._names ^= {name_of(finding)}
        known = {key: names for key, names in _read().items() if key != _key(self._files)}
        if self._names:
            known[_key(self._files)] = sorted(self._names)
        path = _path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, json.dumps(known, indent=1, sort_keys=True).encode() + b"\n")
        return finding in self


def _path() -> Path:
    return folders.state() / "dismissed.json"


def _key(files: Sequence[str]) -> str:
    """The files by their absolute names, shortened, so that the list tells nobody what they are called."""
    whole = "\0".join(sorted(str(Path(name).absolute()) for name in files))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:16]


def _read() -> dict[str, list[str]]:
    try:
        return msgspec.json.decode(content(_path(), _LARGEST), type=dict[str, list[str]])
    except (OSError, msgspec.MsgspecError, *UNDECODABLE):
        return {}
