"""The worker's console, which a full disk silences and which never ends the run for it."""

from __future__ import annotations

import io
import sys
from typing import Any

from engine import room


class _Patient(io.FileIO):
    """A stream whose words are lost where there is no room for them."""

    def write(self, data: Any) -> int:
        """Write, or forget; other refusals are raised."""
        try:
            return super().write(data)
        except OSError as error:
            if room.refusal(error) is None:
                raise
            return len(memoryview(data).cast("B"))


def outlive_full_disk() -> None:
    """Let what this process prints be lost where the disk has no room, and raise nothing for it."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = _Patient(number, "w", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", write_through=True
        )
        setattr(sys, name, stream)
