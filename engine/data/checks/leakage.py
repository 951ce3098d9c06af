"""Rows of the evaluation data that the training data gives away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from engine.data.checks.check import Back
from engine.data.checks.seen import Seen, asked, said
from engine.findings import Finding, Patch

if TYPE_CHECKING:
    from engine.data.likeness.leaks import Found, Leak
    from engine.data.likeness.similar import Again

LEAKED: Final = "leaked"
NEARLY: Final = "near_leaked"
_SHOWN: Final = 5
_PAUSE: Final = 1024
_SIGNS: Final = {"equal": "=", "near": "≈", "copied": "⊂"}

Taken = Callable[[], Iterator[Seen]]
"""Reads every row that is learnt or measured on, by ascending numbers."""


class Leakage:
    """Compares the rows of the training data with those that are held out."""

    def __init__(self, taken: Taken, back: Back, held: Taken, held_back: Back) -> None:
        self._taken = taken
        self._back = back
        self._held = held
        self._held_back = held_back
        self._rows_of: dict[str, list[int]] = {}
        self._findings: list[Finding] = []

    def add(self, seen: Seen) -> None:
        """One more row of the training data: they are all read once more when that is done."""

    def steps(self) -> Iterator[None]:
        """Compare all rows."""
        # Imported on use: numpy takes a tenth of a second.
        from engine.data.likeness.leaks import Leaks

        leaks, held = Leaks(), 0
        for seen in self._held():
            leaks.hold(seen.number, asked(seen.example), said(seen.example))
            held += 1
            if held % _PAUSE == 0:
                yield
        for seen in self._taken():
            leaks.meet(seen.number, asked(seen.example), said(seen.example))
            if seen.number % _PAUSE == 0:
                yield
        found = yield from leaks.found(_texts(self._back), _texts(self._held_back))
        self._rows_of = {LEAKED: found.equal, NEARLY: found.near}
        equal = [leak for leak in found.leaks if leak.how == "equal"]
        others = [leak for leak in found.leaks if leak.how != "equal"]
        self._findings = [
            *([self._finding(LEAKED, equal, held, [])] if equal else []),
            *([self._finding(NEARLY, others, held, _how(others, found))] if others else []),
        ]

    def findings(self) -> Sequence[Finding]:
        """What was found, once all rows were compared."""
        return self._findings

    def numbers(self, check: str) -> Sequence[int] | None:
        """The training rows that give something away."""
        return self._rows_of.get(check)

    def _finding(self, check: str, leaks: list[Leak], held: int, how: list[str]) -> Finding:
        shown = leaks[:_SHOWN]
        here = {n: row.where for n, row, _ in self._back(sorted({leak.row for leak in shown}))}
        there = {n: row.where for n, row, _ in self._held_back(sorted({leak.held for leak in shown}))}
        be = "row is" if len(leaks) == 1 else "rows are"
        rows = len(self._rows_of[check])
        return Finding(
            category="leakage",
            severity="warning",
            title=f"{len(leaks):,} of {held:,} evaluation {be} {_WORDS[check]} in the training data",
            evidence=[
                *(f"{there.get(leak.held)} {_SIGNS[leak.how]} {here.get(leak.row)}" for leak in shown),
                *how,
            ],
            cause="The rows were split after they had been copied, or come from one source.",
            remedy="Drop them from the training data: the evaluation would measure what was learnt by heart.",
            patch=Patch(label=f"drop {rows:,}", data=[f"drop={check}"]),
            count=len(leaks),
            share=len(leaks) / held,
            places=list(here.values()),
            check=check,
        )


_WORDS: Final = {LEAKED: "word for word", NEARLY: "nearly"}


def _how(leaks: list[Leak], found: Found) -> list[str]:
    near = sum(leak.how == "near" for leak in leaks)
    left = f"13-grams of {found.left_out:,} evaluation rows were not looked for: there are too many"
    return [
        f"≈ {near:,}: a Jaccard similarity of word 5-grams of 0.8 or more",
        f"⊂ {len(leaks) - near:,}: half of the 13-grams or more in one training row",
        f"{found.overlapping:,} evaluation rows share any 13-gram with the training data",
        *([left] if found.left_out else []),
    ]


def _texts(back: Back) -> Again:
    return lambda numbers: ((n, said(example)) for n, _, example in back(numbers) if example is not None)
