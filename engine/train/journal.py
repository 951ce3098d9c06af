"""What the loop says while it works, and where it stands when something goes wrong."""

from __future__ import annotations

from typing import Literal

from engine import events as ev
from engine import faults
from engine.findings import Finding
from engine.job import Report


class Journal:
    """Reports events for the one rank that speaks, and remembers phase, step and findings."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.speaks = True
        self.doing = "starting"
        self.step = 0
        self.findings: list[Finding] = []

    def __call__(self, event: ev.Event, /) -> None:
        """Report one event."""
        if self.speaks:
            self._report(event)

    def phase(self, name: str, detail: str = "") -> None:
        """Enter a phase."""
        self.doing = name
        self(ev.Phase(name=name, detail=detail))
        faults.phase(name)

    def found(self, finding: Finding) -> None:
        """Report a finding, which the run's last event repeats; a newer one of the same title replaces it."""
        known = [f for f in self.findings if (f.category, f.title) != (finding.category, finding.title)]
        self.findings = [*known, finding]
        self(ev.Found(finding=finding))

    def log(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Report a line for people."""
        self(ev.Log(text=text, level=level))
