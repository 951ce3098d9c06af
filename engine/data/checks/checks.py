"""All checks at once, over the rows of one inspection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.data.checks.check import Back, SetCheck, Tally
from engine.data.checks.duplicates import Duplicates
from engine.data.checks.leakage import Leakage, Taken
from engine.data.checks.prompts import ASKED_TWICE
from engine.data.checks.seen import Seen
from engine.data.checks.table import ROW_CHECKS, SET_CHECKS
from engine.data.checks.tokens import TokenChecks
from engine.data.encode import Labelled
from engine.data.shapes import Example
from engine.data.tokenizer import ModelTokenizer
from engine.findings import Finding


class Checks:
    """Is shown each row that training would take, and says what was noticed."""

    def __init__(self, back: Back, tokenizer: ModelTokenizer | None = None) -> None:
        self.rows = 0
        self._back = back
        self._held = False
        """True with evaluation data: then no rows are held out at random."""
        self.duplicates = Duplicates(back)
        self._tallies = [Tally(check) for check in ROW_CHECKS]
        self._looks = [(tally.check.look, tally) for tally in self._tallies]
        self._of_lines = [(look, tally) for look, tally in self._looks if tally.check.lines]
        self._tokens = TokenChecks(tokenizer) if tokenizer is not None else None
        self._sets: list[SetCheck] = [self.duplicates, *(make(back) for make in SET_CHECKS)]

    def hold(self, taken: Taken, held: Taken, held_back: Back) -> None:
        """Compare the rows that are `taken` with those of the evaluation data too."""
        self._held = True
        self._sets.append(Leakage(taken, self._back, held, held_back))

    def add(self, seen: Seen) -> None:
        """One more row, in the order of the files."""
        self.rows += 1
        for look, tally in self._looks:
            if wrong := look(seen):
                tally.add(seen, wrong)
        for check in self._sets:
            check.add(seen)

    def add_line(self, seen: Seen) -> None:
        """One more line of a text file: no row, and seen by those checks that mean lines too."""
        self.rows += 1
        for look, tally in self._of_lines:
            if wrong := look(seen):
                tally.add(seen, wrong)

    def add_tokens(self, row: Labelled, number: int) -> None:
        """Row `number` of all files once more, as ids."""
        if self._tokens is not None:
            self._tokens.add(row, number)

    def add_turns(self, where: str, example: Example, number: int) -> None:
        """Row `number` of all files before it becomes ids."""
        if self._tokens is not None:
            self._tokens.look(where, example, number)

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows that a check has found; None where it is not known row by row."""
        for tally in self._tallies:
            if tally.check.name == check:
                return tally.numbers
        found = [each.numbers(check) for each in self._sets]
        found += [self._tokens.numbers(check)] if self._tokens is not None else []
        return next((numbers for numbers in found if numbers is not None), None)

    def steps(self) -> Iterator[None]:
        """What is left to do once every row was met, in small pieces."""
        for check in self._sets:
            yield from check.steps()

    def findings(self, *, whole: bool) -> list[Finding]:
        """What was noticed; of what needs all rows only once the data was read `whole`."""
        found = [finding for tally in self._tallies if (finding := tally.finding(self.rows))]
        if whole:
            found += (finding for check in self._sets for finding in check.findings())
        if self._held:
            found = [finding for finding in found if finding.check != ASKED_TWICE]
        return [*found, *(self._tokens.findings() if self._tokens is not None else ())]
