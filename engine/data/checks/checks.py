"""All checks at once, over the rows of one inspection."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.checks.check import Tally
from engine.data.checks.seen import Seen
from engine.data.checks.table import ROW_CHECKS, SET_CHECKS
from engine.findings import Finding


class Checks:
    """Is shown each row that training would take, and says what was noticed."""

    def __init__(self) -> None:
        self.rows = 0
        self._tallies = [Tally(check) for check in ROW_CHECKS]
        self._sets = [make() for make in SET_CHECKS]

    def add(self, seen: Seen) -> None:
        """One more row, in the order of the files."""
        self.rows += 1
        for tally in self._tallies:
            tally.add(seen)
        for check in self._sets:
            check.add(seen)

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows that a check has found; None where it is not known row by row."""
        return next((tally.numbers for tally in self._tallies if tally.check.name == check), None)

    def findings(self, *, whole: bool) -> list[Finding]:
        """What was noticed; of what needs all rows only once the data was read `whole`."""
        found = [finding for tally in self._tallies if (finding := tally.finding(self.rows))]
        return (
            [*found, *(finding for check in self._sets for finding in check.findings())] if whole else found
        )
