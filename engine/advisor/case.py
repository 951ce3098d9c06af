"""What is known of a run when it is diagnosed: a run of ours, live or dead, or one of any other trainer."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.findings import Finding
from engine.watch.point import Point


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rules may look at. What is not known is empty; they must not take that for a fact."""

    lines: list[str] = []
    """The log or the last lines of the console, cleaned, in order; line 1 is the first."""
    numbers: list[int] = []
    """The number in its file of each of them, where some were left out; else empty."""
    config: dict[str, Any] = {}
    """Settings by lower-case key, nested ones by dotted keys too."""
    points: list[Point] = []
    """The curve, as far as it was told."""
    findings: list[Finding] = []
    """What the run's own checks found, before and while it ran."""
    phase: str = ""
    """What it was doing when it ended: a phase of ours, empty where unknown."""
    vocabulary: int = 0
    """Tokens that the model can say; 0 where unknown, as below."""
    steps: int = 0
    """Planned optimizer steps."""
    ours: bool = False
    """True where OpenLoRA ran it, so that a patch can be applied to its recipe."""

    def line_number(self, index: int) -> int:
        """The number in its file of the line at `index`, from 1."""
        return self.numbers[index] if self.numbers else index + 1

    @property
    def said_config(self) -> str:
        """The settings as lines `key: value`, which rules search."""
        return "\n".join(f"{key}: {value}" for key, value in self.config.items())
