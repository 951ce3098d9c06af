"""What a mapping makes of the first rows, as a dialogue and a command line show it."""

from __future__ import annotations

import msgspec

from engine.mapping.mapping import Mapping


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an example."""

    role: str
    """`user`, `assistant`, `system` …; `prompt` and `completion` of a pair, `text` of a document."""
    text: str
    learnt: bool = False


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One example, or why there is none."""

    where: str
    """`file:line` of its first row."""
    parts: list[Spoken] = []
    problem: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of the first rows."""

    mapping: Mapping | None = None
    reason: str = ""
    """Why this mapping was proposed; empty for one that a person wrote."""
    confidence: float = 0.0
    shape: str | None = None
    """The shape that the rows have with it; None where they have none."""
    rows: int = 0
    """Rows that were looked at."""
    left_out: int = 0
    """Rows of them that `filter` keeps out."""
    examples: int = 0
    """What comes of them."""
    samples: list[Sample] = []
    at: str = ""
    """The field of the mapping that is wrong, such as `filter.1`."""
    problem: str = ""
    """What is wrong with the mapping; empty where nothing is."""
    do: str = ""
