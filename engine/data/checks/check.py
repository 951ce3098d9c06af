"""What a check is: one that looks at a row by itself, or one that has to have met all of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from engine.data.checks.personal.redact import redact
from engine.data.checks.seen import Seen
from engine.data.row import Row
from engine.data.shapes import Example
from engine.findings import Category, Finding, Patch, Severity
from engine.text import one_line

_SHOWN: Final = 5
_QUOTED: Final = 80
MOST_NUMBERED: Final = 100_000
"""Rows of a finding whose numbers are kept: more than that nobody looks through."""


class RowCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check of one row by itself."""

    name: str
    """As in `openlora inspect DATA --apply drop=NAME`."""
    category: Category
    severity: Severity
    title: str
    """What is said of the rows, behind their number: `hold placeholders that nobody filled in`."""
    cause: str
    remedy: str
    look: Callable[[Seen], str]
    """What is wrong with a row, quoted; empty where nothing is."""
    share: float = 0.0
    """Share of all rows, 0 to 1, from which on it is said."""
    drops: bool = True
    """True where leaving such rows out mends it."""
    mend: str = ""
    """Word of `openlora inspect --apply` that mends the rows and keeps them, such as `clean`."""
    lines: bool = False
    """True for a check that a line of a text file can fail too."""

    @property
    def patch(self) -> str:
        """The word that mends it, the one that keeps the rows before all others; empty where none does."""
        return self.mend or (f"drop={self.name}" if self.drops else "")


Back = Callable[[Sequence[int]], Iterable[tuple[int, Row, Example | None]]]
"""Reads some rows once more by their numbers (ascending); None stands for one that training leaves out."""


class SetCheck(Protocol):
    """A check that has to have met every row."""

    def add(self, seen: Seen) -> None:
        """One more row, in the order of the files."""

    def steps(self) -> Iterator[None]:
        """What is left to do once every row was met, in small pieces."""

    def findings(self) -> Iterable[Finding]:
        """What all of them come to."""

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows of a finding; None where it is not this check's, or not known row by row."""


class Tally:
    """What one `RowCheck` has found so far."""

    def __init__(self, check: RowCheck) -> None:
        self.check = check
        self.count = 0
        self.numbers = array("Q")
        """The first `MOST_NUMBERED` of its rows, as `Seen.number` counts them."""
        self._places: list[str] = []
        self._quotes: list[str] = []

    def add(self, seen: Seen, wrong: str) -> None:
        """One more row that the check has found, and what is `wrong` with it."""
        self.count += 1
        if self.count <= MOST_NUMBERED:
            self.numbers.append(seen.number)
        if len(self._places) < _SHOWN:
            self._places.append(seen.row.where)
            # Whatever is quoted may hold an address or a key beside what was found.
            self._quotes.append(one_line(redact(wrong), _QUOTED))

    def finding(self, rows: int) -> Finding | None:
        """What is said of it among so many rows; None where there is nothing to say."""
        check = self.check
        if not self.count or self.count < check.share * rows:
            return None
        return Finding(
            category=check.category,
            severity=check.severity,
            title=f"{self.count:,} of {rows:,} rows {check.title}",
            evidence=[f"{place}  {quote}" for place, quote in zip(self._places, self._quotes, strict=True)],
            cause=check.cause,
            remedy=check.remedy,
            patch=_patch(check, self.count),
            count=self.count,
            share=self.count / rows,
            places=list(self._places),
            check=check.name,
        )


def _patch(check: RowCheck, count: int) -> Patch | None:
    if not check.patch:
        return None
    return Patch(label=f"{check.patch.partition('=')[0]} {count:,}", data=[check.patch])
