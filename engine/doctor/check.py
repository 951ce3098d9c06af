"""What is said of one thing that was looked at."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

import msgspec

State = Literal["good", "note", "warning", "blocker"]
"""A `note` is worth knowing, a `warning` spoils something, a `blocker` keeps every run from working."""
STATES: Final[tuple[State, ...]] = ("good", "note", "warning", "blocker")


class Check(msgspec.Struct, frozen=True):
    """One thing looked at; what is not good says what to do."""

    name: str
    state: State
    found: str
    do: str = ""
    group: str = ""


def good(name: str, found: str) -> Check:
    """As it should be."""
    return Check(name, "good", found)


def note(name: str, found: str, do: str) -> Check:
    """Worth knowing."""
    return Check(name, "note", found, do)


def warning(name: str, found: str, do: str) -> Check:
    """Spoils something, or soon will."""
    return Check(name, "warning", found, do)


def blocker(name: str, found: str, do: str) -> Check:
    """Keeps every run from working."""
    return Check(name, "blocker", found, do)


def gib(count: float) -> str:
    """Bytes as GiB, small ones as MiB."""
    return f"{count / 2**30:.1f} GiB" if count >= 1 << 30 else f"{count / 2**20:.0f} MiB"


def grave(found: list[Check]) -> list[Check]:
    """Blockers, then warnings."""
    return [check for state in ("blocker", "warning") for check in found if check.state == state]


def summary(found: list[Check]) -> str:
    """Whether anything can run, and what is worth a look."""
    counts = Counter(check.state for check in found)
    if counts["blocker"]:
        head = f"No run can work here before {'this is' if counts['blocker'] == 1 else 'these are'} mended"
        named = [check.name for check in grave(found) if check.state == "blocker"]
        return f"{head}: {', '.join(named)}."
    if grave(found):
        return f"Runs can work here; look at: {', '.join(check.name for check in grave(found))}."
    notes = f", {counts['note']} note{'' if counts['note'] == 1 else 's'}" if counts["note"] else ""
    return f"Runs can work here: {counts['good']} good{notes}."
