"""One answer to many prompts, and prompts or answers that are the same in every row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from engine.data.checks.check import MOST_NUMBERED, Back
from engine.data.checks.personal.redact import redact
from engine.data.checks.seen import Seen
from engine.findings import Finding, Severity
from engine.text import one_line

_KEPT: Final = 1024
"""Answers that are counted at a time (Misra and Gries 1982): a count is at most n / 1024 too low."""
_SHARE: Final = 0.01
_ROWS: Final = 10
_PROMPTS: Final = 5
"""Different prompts from which on one answer to them is no repeated row."""
_CONSTANT: Final = 20
"""Rows from which on a value that never changes is no chance."""
_WORDS: Final = 3
_LETTERS: Final = 10
"""Of the shortest answer that is no label: three words, or as many characters of a script without spaces."""
SAME: Final = "same_answer"


class _Met:
    """One answer."""

    def __init__(self, seen: Seen) -> None:
        self.count = 0
        self.quote = seen.answer[:200]
        self.prompts: set[int] = set()
        self.places: list[str] = []
        self.numbers = array("Q")

    def add(self, seen: Seen) -> None:
        self.count += 1
        if len(self.prompts) < _PROMPTS:
            self.prompts.add(hash(seen.prompt))
            self.places.append(seen.row.where)
        if len(self.numbers) < MOST_NUMBERED:
            self.numbers.append(seen.number)


class Sameness:
    """Counts the commonest answers in bounded memory."""

    def __init__(self, back: Back) -> None:
        self._rows = 0
        self._met: dict[int, _Met] = {}
        self._first: Seen | None = None
        self._same_prompt = self._same_answer = True

    def add(self, seen: Seen) -> None:
        """One more row."""
        self._rows += 1
        if self._first is None:
            self._first = seen
        self._same_prompt = self._same_prompt and seen.prompt == self._first.prompt
        self._same_answer = self._same_answer and seen.answer == self._first.answer
        if not _is_said(seen.answer):
            return
        key = hash(seen.answer)
        met = self._met.get(key)
        if met is None:
            if len(self._met) >= _KEPT:
                self._forget()
                return
            met = self._met[key] = _Met(seen)
        met.add(seen)

    def _forget(self) -> None:
        """Every count is one lower, and what was met no more often is forgotten."""
        for met in self._met.values():
            met.count -= 1
        self._met = {key: met for key, met in self._met.items() if met.count > 0}

    def steps(self) -> Iterator[None]:
        """Nothing is left to do."""
        yield from ()

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows with answers that many prompts have."""
        if check != SAME:
            return None
        return sorted(number for met in self._many() for number in met.numbers)

    def _many(self) -> list[_Met]:
        least = max(_ROWS, _SHARE * self._rows)
        many = [met for met in self._met.values() if met.count >= least and len(met.prompts) >= _PROMPTS]
        return sorted(many, key=lambda met: -met.count)

    def findings(self) -> Iterator[Finding]:
        """What never changes, and answers that many prompts have."""
        if self._first is not None and self._rows >= _CONSTANT:
            if self._same_answer:
                yield _constant("answer", self._first.answer, self._rows, "warning")
                return
            if self._same_prompt and self._first.prompt:
                yield _constant("prompt", self._first.prompt, self._rows, "note")
        if many := self._many():
            yield _often(many, self._rows)


def _is_said(answer: str) -> bool:
    """True for an answer that is a sentence; labels and words are the same by right."""
    if len(answer) < _LETTERS:
        return False
    return not answer.isascii() or len(answer.split(None, _WORDS - 1)) >= _WORDS


def _often(many: list[_Met], rows: int) -> Finding:
    count = sum(met.count for met in many)
    answers = "the same answer" if len(many) == 1 else f"one of {len(many):,} answers"
    return Finding(
        category="quality",
        severity="warning",
        title=f"{count:,} of {rows:,} rows have {answers} to different prompts",
        evidence=[f"{met.count:,} times  {_quoted(met.quote)}" for met in many[:5]],
        cause="A model that is taught one sentence for many prompts says it to others too.",
        remedy="Leave out most of these rows, or write answers that fit the prompts.",
        count=count,
        share=count / rows,
        places=many[0].places,
        check=SAME,
    )


def _constant(what: str, text: str, rows: int, severity: Severity) -> Finding:
    return Finding(
        category="quality",
        severity=severity,
        title=f"The {what} is the same in all {rows:,} rows",
        evidence=[_quoted(text)],
        cause=f"The column that is read as the {what} never changes.",
        remedy="Check that it is the right column.",
        count=rows,
        share=1.0,
        check=f"same_{what}",
    )


def _quoted(text: str) -> str:
    return one_line(redact(text[:200]), 80)
