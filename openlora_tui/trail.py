"""The rows of a finding as one goes through them; and which findings a person does not want to see again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.findings import Finding
from engine.lessons.dismissals import About, dismissal, is_dismissed, put, standing_in
from engine.paths import home_path

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
        self._about = About(files=[str(Path(name).absolute()) for name in files])
        self._standing = standing_in(home_path()) if files else []

    def __contains__(self, finding: Finding) -> bool:
        return is_dismissed(finding, self._about, self._standing) is not None

    def turn(self, finding: Finding) -> bool:
        """Put a finding aside for these files, or take it back; True where it is aside then.

        Raises:
            OSError: this cannot be written down.
        """
        found = is_dismissed(finding, self._about, self._standing)
        said = (
            dismissal(finding, "dataset") if found is None else dismissal(finding, found.scope, undone=True)
        )
        put(home_path(), said, self._about)
        self._standing = standing_in(home_path())
        return finding in self
