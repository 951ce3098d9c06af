"""Finds expressions in a long text fast: only where a word stands that each match must have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

_SHORTEST: Final = 3
_MOST: Final = 16
"""Words of which one must stand; with more of them the search is no faster."""
_QUANTIFIERS: Final = "?*{+"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The expression; the case of letters does not matter to it, and each line has a start and an end."""
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


@cache
def alternatives(pattern: str) -> tuple[tuple[frozenset[str], re.Pattern[str]], ...]:
    """Each alternative of an expression, with the words of which one stands in all that it matches.

    Without such words it has to be looked for everywhere.
    """
    return tuple((_Reading(part).words(), compiled(part)) for part in _parts(pattern))


def _parts(pattern: str) -> Iterator[str]:
    reading = _Reading(pattern)
    start = 0
    while True:
        reading.sequence()
        yield pattern[start : reading.at]
        if reading.at >= len(pattern):
            return
        reading.at += 1
        start = reading.at


class _Reading:
    """Reads an expression from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def words(self) -> frozenset[str]:
        """The words of one alternative."""
        return self.sequence()

    def sequence(self) -> frozenset[str]:
        """The best words up to the next `|` or `)`: those whose shortest is longest."""
        found: list[frozenset[str]] = []
        run = ""
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            literal, words = self._atom()
            quantifier = self._quantifier()
            if literal and quantifier in ("", "+"):
                run += literal
            if not literal or quantifier:
                found.append(frozenset({run.lower()}))
                run = ""
            if words and quantifier in ("", "+"):
                found.append(words)
        found.append(frozenset({run.lower()}))
        fit = [words for words in found if min(map(len, words)) >= _SHORTEST and len(words) <= _MOST]
        return max(fit, key=lambda words: min(map(len, words)), default=frozenset())

    def _atom(self) -> tuple[str, frozenset[str]]:
        """One character that stands for itself, or the words of a group; both empty for all else."""
        char = self._pattern[self.at]
        self.at += 1
        if char == "(":
            return "", self._group()
        if char == "[":
            self._skip_class()
            return "", frozenset()
        if char == "\\":
            char = self._pattern[self.at]
            self.at += 1
            return ("" if char.isalnum() else char), frozenset()
        return ("" if char in ".^$" else char), frozenset()

    def _group(self) -> frozenset[str]:
        kind = re.compile(r"\?(?::|P<\w+>|<?[=!])").match(self._pattern, self.at)
        self.at = kind.end() if kind else self.at
        branches = [self.sequence()]
        while self._pattern[self.at] == "|":
            self.at += 1
            branches.append(self.sequence())
        self.at += 1
        looks = kind is not None and kind[0][-1] in "=!"
        return frozenset().union(*branches) if all(branches) and not looks else frozenset()

    def _skip_class(self) -> None:
        self.at += self._pattern.startswith(("]", "^]"), self.at)
        while self._pattern[self.at] != "]":
            self.at += 2 if self._pattern[self.at] == "\\" else 1
        self.at += 1

    def _quantifier(self) -> str:
        if self.at >= len(self._pattern) or self._pattern[self.at] not in _QUANTIFIERS:
            return ""
        char = self._pattern[self.at]
        self.at = self._pattern.index("}", self.at) + 1 if char == "{" else self.at + 1
        if self.at < len(self._pattern) and self._pattern[self.at] == "?":
            self.at += 1
        return char
