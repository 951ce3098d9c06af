"""What machines say when a run fails, and what it means: one saying for each mechanism."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.findings import Category, Patch, Severity


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """A text by which a mechanism is known, wherever it stands in a log."""

    name: str
    """The finding's check is `log.` and this."""
    category: Category
    says: str
    """A regular expression for a line, in which the case of letters does not matter."""
    beside: str = ""
    """One for the traceback around that line, or for the lines near it: without it the text means little."""
    apart: str = ""
    """One for the same place that shows that another mechanism speaks."""
    given: str = ""
    """One for the settings, a line `key: value` each: without it the text means something else."""
    times: int = 1
    """How often it must be said: some is said of every healthy run a few times."""
    sure: float = 0.9
    """How often a run that says so has this very trouble."""
    severity: Severity = "blocker"
    title: str
    cause: str
    do: str
    patch: Patch | None = None


def lines(*patterns: str) -> str:
    """One expression of several."""
    return "|".join(patterns)


ANY: Final = r"[\s\S]"
"""Any character, a line's end too."""
