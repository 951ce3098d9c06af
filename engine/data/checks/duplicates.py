"""Rows whose values are equal to those of a row before, and rows that say nearly the same."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from engine.data.checks.check import Back
from engine.data.checks.seen import Seen, said
from engine.findings import Finding, Patch

if TYPE_CHECKING:
    from engine.data.likeness.repeats import Repeats
    from engine.data.likeness.similar import Similar

EXACT: Final = "dedup"
NEAR: Final = "near_dedup"
_MANY: Final = 0.01
"""Share of rows from which on a repetition is more than a slip; of the sound sets in ../shared none has more
than 0.8 %, and the two that are known to be flawed have 1.4 % and 12 %."""
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class _Words(NamedTuple):
    """What is said of rows that are one too many."""

    apply: str
    one: str
    many: str
    sign: str
    cause: str
    remedy: str


_EXACTLY: Final = _Words(
    EXACT,
    "row is there more than once",
    "rows are there more than once",
    "=",
    "Every value is equal to that of a row before.",
    "Keep one of each: what is repeated is learnt by heart, and may be among the rows that are held out.",
)
_NEARLY: Final = _Words(
    NEAR,
    "row says nearly what another says",
    "rows say nearly what another says",
    "≈",
    "At least 0.8 of the word 5-grams of what is asked and answered are the same (Jaccard).",
    "Keep one of each, unless the small differences are what is to be learnt.",
)


class Duplicates:
    """Counts in 56 bytes a row.

    The hash of a row's values has 64 bits: among ten million different rows a false match has a chance of
    1 in 370,000. Rows are nearly the same as `engine.data.likeness.similar` says, by what user and assistant
    say, and each row beyond the first of a cluster counts, unless its values are those of a row before.
    """

    def __init__(self, back: Back) -> None:
        self.near: int | None = None
        """Rows that say nearly what another says; None while they are not compared."""
        self._back = back
        self._hashes = array("q")
        self._numbers = array("Q")
        self._similar: Similar | None = None
        self._found: dict[str, Repeats] = {}
        self._findings: list[Finding] = []

    @property
    def rows(self) -> int:
        """Rows that were met."""
        return len(self._hashes)

    def meet(self, number: int, values: dict[str, Any]) -> None:
        """One more row, whatever it holds."""
        self._hashes.append(hash(canonical(values)))
        self._numbers.append(number)

    def add(self, seen: Seen) -> None:
        """The row that was met last, where training takes it."""
        if self._similar is None:
            # Imported on use: numpy takes a tenth of a second.
            from engine.data.likeness.similar import Similar

            self._similar = Similar()
        self._similar.add(seen.number, said(seen.example))

    def exact(self) -> int:
        """Rows so far whose values are equal to those of a row before."""
        found = self._found.get(EXACT)
        return len(self._hashes) - len(set(self._hashes)) if found is None else found.total

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows that are one too many."""
        return self._found[check].rows if check in self._found else None

    def steps(self) -> Iterator[None]:
        """Compare all rows."""
        if not self._hashes:
            self.near = 0
            return
        from engine.data.likeness.repeats import Repeats, nearly, repeated

        exact, near = repeated(self._hashes, self._numbers), Repeats()
        self._found[EXACT] = exact
        yield
        if self._similar is not None:
            clusters = yield from self._similar.clusters(self._texts)
            near = nearly(clusters, self._similar.numbers, self._hashes, self._numbers)
        self._found[NEAR], self.near = near, near.total
        self._findings = [
            self._finding(found, said) for found, said in ((exact, _EXACTLY), (near, _NEARLY)) if found.total
        ]

    def findings(self) -> Sequence[Finding]:
        """What was found, once all rows were compared."""
        return self._findings

    def _texts(self, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        found = self._back(numbers)
        return ((number, said(example)) for number, _, example in found if example is not None)

    def _finding(self, found: Repeats, words: _Words) -> Finding:
        wanted = sorted({number for pair in found.pairs for number in pair})
        where = {number: row.where for number, row, _ in self._back(wanted)}
        pairs = [(where[one], where[other]) for one, other in found.pairs if {one, other} <= where.keys()]
        share = found.total / self.rows
        return Finding(
            category="duplicates",
            severity="warning" if share >= _MANY else "note",
            title=f"{found.total:,} {words.one if found.total == 1 else words.many}",
            evidence=[f"{one} {words.sign} {other}" for one, other in pairs],
            cause=words.cause,
            remedy=words.remedy,
            patch=Patch(label=f"drop {found.total:,}", data=[words.apply]),
            count=found.total,
            share=share,
            places=[one for one, _ in pairs],
            check=words.apply,
        )


def canonical(values: dict[str, Any]) -> bytes:
    """The same bytes for equal values, whatever the order of their columns."""
    try:
        return _encode(values)
    except (UnicodeEncodeError, OverflowError, ValueError, TypeError):
        # Half characters and numbers above 64 bits are beyond msgspec.
        return json.dumps(values, sort_keys=True).encode()
    except RecursionError:  # so deep that it was hardly read: taken for the only one of its kind
        return os.urandom(16)
