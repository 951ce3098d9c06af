"""Remembers of each row how long it is, and which rows something was found in, by their numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from engine.data.checks.check import MOST_NUMBERED


class Numbers:
    """Rows of all files are counted from 0; four bytes a row, and at most `MOST_NUMBERED` rows of a kind."""

    def __init__(self) -> None:
        self._tokens = array("I")
        self._found: dict[str, array[int]] = {}

    def found(self, what: str, number: int) -> None:
        """One more row in which `what` was found."""
        rows = self._found.setdefault(what, array("Q"))
        if len(rows) < MOST_NUMBERED:
            rows.append(number)

    def rows(self, what: str) -> Sequence[int]:
        """The first rows in which `what` was found."""
        return self._found.get(what, ())

    def measure(self, number: int, tokens: int) -> None:
        """Row `number` has so many tokens."""
        missing = number + 1 - len(self._tokens)
        if missing > 0:
            self._tokens.extend([0] * missing)
        self._tokens[number] = tokens

    def tokens(self, number: int) -> int:
        """Tokens of a row; 0 where they are not counted, or training leaves the row out."""
        return self._tokens[number] if number < len(self._tokens) else 0

    def longer(self, tokens: int) -> Iterator[int]:
        """Rows with more tokens than that, in their order."""
        return (number for number, each in enumerate(self._tokens) if each > tokens)

    def by_tokens(self, *, down: bool) -> list[int]:
        """The rows whose tokens are counted, the shortest or with `down` the longest first."""
        known = [number for number, each in enumerate(self._tokens) if each]
        return sorted(known, key=self._tokens.__getitem__, reverse=down)
