"""What a check has come to."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.findings import Finding, Severity
from engine.lessons.alike import Fingerprint


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """What the run would be, for past runs to be compared with it."""

    mark: Fingerprint
    recipe: dict[str, Any]
    """Every field by name, paths absolute."""


class Verdict(msgspec.Struct, kw_only=True):
    """The findings on a recipe, and what its run would be."""

    findings: list[Finding]
    """The gravest first."""
    facts: list[str] = []
    """What the run would be, a line each."""
    sampled: int | None = None
    """Rows that were looked at, where they were not all."""
    prospect: Prospect | None = None

    def count(self, severity: Severity) -> int:
        """Findings of that severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def blockers(self) -> list[Finding]:
        """What would stop the run."""
        return [finding for finding in self.findings if finding.severity == "blocker"]

    def document(self) -> dict[str, Any]:
        """The stable keys of `openlora check --json`."""
        return {
            "findings": self.findings,
            "sampled": False if self.sampled is None else self.sampled,
            "facts": self.facts,
        }
