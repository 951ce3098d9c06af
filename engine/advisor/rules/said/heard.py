"""Listens to a log: which sayings stand in it, and which of them tells why the run ended."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

import msgspec

from engine.advisor.case import Case
from engine.advisor.rules.said.guesses import GUESSES
from engine.advisor.rules.said.needles import alternatives, compiled
from engine.advisor.rules.said.saying import Saying
from engine.advisor.rules.said.sayings import SAYINGS
from engine.advisor.rules.said.trace import NAMED, Trace, bare, chains, traces_in
from engine.findings import Finding

_NEAR: Final = 12
"""Lines around one without a traceback in which a second sign is looked for."""
_SHORT: Final = 20
"""Lines of what somebody pasted because of what it says; logs of healthy runs are longer."""
_WARNS: Final = re.compile(r"warning|\bwarn\b|\[?\binfo\b|deprecat|recommended", re.IGNORECASE)
_HITS: Final = 100
"""Lines with a word of a saying that are looked at, from either end."""
_REACH: Final = 3
"""Lines that one saying may stretch over."""
_LATE: Final = 200
"""Lines before the last traceback that still speak of what ended in it."""
_UNKNOWN: Final = 0.35
"""Below this, no saying explains an exception."""
_UNEXPLAINED: Final = 0.2
_RIVAL: Final = 0.45
"""What is left of a cause's likelihood where another explains the end better."""
_LEAST: Final = 0.1
_IN_PASSING: Final = 0.4
_WIDTH: Final = 240
_SHOWN: Final = 3


class Heard(msgspec.Struct, frozen=True):
    """A saying at a line."""

    saying: Saying
    at: int
    """Index of the line."""
    weight: float
    """How much that line has to do with the end of the run, 0 to 1."""
    beside: int | None = None
    """Index of the line that bears it out."""
    others: int = 0
    """How often else it was said."""

    @property
    def sure(self) -> float:
        """How likely it is the cause."""
        return self.saying.sure * self.weight


def heard(case: Case) -> list[Finding]:
    """What the log says, the likeliest cause first; the others are possible, and less sure.

    What the run itself has told of its end is not told again.
    """
    log, told = _Log(case), {one.category for one in case.findings if one.severity == "blocker"}
    known = [each for each in log.heard() if each.saying.category not in told]
    if not told and not any(each.sure > _UNKNOWN for each in known):
        known += log.guessed()
    found = sorted(_best(known), key=lambda each: (-each.sure, -each.at))
    findings = [_finding(case, each, _share(each, found[0])) for each in found]
    end = log.end
    if end is not None and not found and not told:
        findings.append(_unexplained(case, end))
    return [each for each in findings if each.confidence >= _LEAST]


class _Log:
    """A log in the form in which it is searched."""

    def __init__(self, case: Case) -> None:
        self._lines = case.lines
        self._text = "\n".join(case.lines)
        self._lower = _lowered(self._text)
        self._starts = list(accumulate((len(line) + 1 for line in case.lines), initial=0))
        self._settings = case.said_config
        self._chains = list(chains(traces_in(case.lines)))
        self._end = next(
            (chain for chain in reversed(self._chains) if not all(trace.wraps for trace in chain)), []
        )

    @property
    def end(self) -> Trace | None:
        """The exception that ended the run, as far as there is one."""
        return next((trace for trace in reversed(self._end) if not trace.wraps), None)

    def heard(self) -> Iterator[Heard]:
        """Every saying where it stands nearest to the end of the run."""
        for saying in SAYINGS:
            if saying.given and not compiled(saying.given).search(self._settings):
                continue
            places = sorted(set(self._places(saying.says)))
            if len(places) >= saying.times:
                yield from self._placed(saying, places)

    def _places(self, pattern: str) -> Iterator[int]:
        """The lines in which a match of the expression begins."""
        for words, expression in alternatives(pattern):
            if not words:
                yield from (self._line_at(found.start()) for found in expression.finditer(self._text))
            for line in {line for word in words for line in self._lines_with(word)}:
                found = expression.search(
                    self._text, self._starts[line], self._starts[min(line + _REACH, len(self._lines))]
                )
                if found is not None:
                    yield self._line_at(found.start())

    def _lines_with(self, word: str) -> list[int]:
        """The first and the last lines that have the word."""
        found: list[int] = []
        at = self._lower.find(word)
        while at >= 0:
            found.append(self._line_at(at))
            at = self._lower.find(word, self._starts[found[-1] + 1])
        return found if len(found) <= 2 * _HITS else [*found[:_HITS], *found[-_HITS:]]

    def guessed(self) -> Iterator[Heard]:
        """What the last exception is about, by its most telling word alone."""
        raised = [at for at, line in enumerate(self._lines) if NAMED.match(bare(line))]
        head = self._end[-1].head if self._end else max(raised, default=None)
        if head is None:
            return
        last = self._end[-1].last if self._end else len(self._lines) - 1
        for saying in GUESSES:
            at = self._search(saying.says, head, last)
            if at is not None:
                yield Heard(saying, at, 1.0)
                return

    def _placed(self, saying: Saying, places: list[int]) -> Iterator[Heard]:
        best: Heard | None = None
        for at in places[:_NEAR] + places[-_NEAR:]:
            first, last = self._around(at)
            if saying.apart and self._search(saying.apart, first, last) is not None:
                continue
            beside = self._search(saying.beside, first, last) if saying.beside else None
            if saying.beside and beside is None:
                continue
            each = Heard(saying, at, self._weight(at), beside, len(places) - 1)
            if best is None or each.weight >= best.weight:
                best = each
        if best is not None:
            yield best

    def _weight(self, at: int) -> float:
        """How much a line has to do with the end of the run."""
        if not self._end:
            return _IN_PASSING if self._warns(at) else 1.0
        if self._end[0].start <= at <= self._end[-1].last:
            if any(trace.start < at < trace.head for trace in self._end):
                return 0.6  # a line of code
            return 1.0 if at >= self._end[-1].head else 0.97
        if any(chain[0].start <= at <= chain[-1].last for chain in self._chains):
            return 0.8
        return 0.9 if self._end[0].start - _LATE <= at else 0.65

    def _warns(self, at: int) -> bool:
        """True where the line is one that logs have of healthy runs too."""
        return len(self._lines) > _SHORT and bool(_WARNS.search(self._lines[at]))

    def _around(self, at: int) -> tuple[int, int]:
        for chain in self._chains:
            if chain[0].start <= at <= chain[-1].last:
                return chain[0].start, chain[-1].last
        return max(at - _NEAR, 0), min(at + _NEAR, len(self._lines) - 1)

    def _search(self, pattern: str, first: int, last: int) -> int | None:
        found = compiled(pattern).search(self._text, self._starts[first], self._starts[last + 1])
        return None if found is None else self._line_at(found.start())

    def _line_at(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1


def _lowered(text: str) -> str:
    """The text in lower case, with each character in its place."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def _best(found: Iterable[Heard]) -> list[Heard]:
    """One for each category: the likeliest."""
    best: dict[str, Heard] = {}
    for each in found:
        known = best.get(each.saying.category)
        if known is None or each.sure > known.sure:
            best[each.saying.category] = each
    return list(best.values())


def _share(each: Heard, first: Heard) -> float:
    """How sure a cause is beside the likeliest one: a run ends of one."""
    if each is first or each.saying.severity != "blocker":
        return each.sure
    return min(each.sure * _RIVAL, 1 - first.sure) if first.saying.severity == "blocker" else each.sure


def _finding(case: Case, each: Heard, sure: float) -> Finding:
    saying = each.saying
    shown = [each.at] if each.beside in (None, each.at) else sorted({each.at, each.beside or 0})
    evidence = [f"line {case.line_number(at)}: {_line(case, at)}" for at in shown[:_SHOWN]]
    if each.others:
        evidence.append(f"said {each.others + 1:,} times")
    return Finding(
        category=saying.category,
        severity="warning" if sure < saying.sure / 2 else saying.severity,
        title=saying.title,
        confidence=round(sure, 3),
        evidence=evidence,
        cause=saying.cause,
        remedy=saying.do,
        patch=saying.patch if case.ours else None,
        check=f"log.{saying.name}",
    )


def _unexplained(case: Case, end: Trace) -> Finding:
    return Finding(
        category="other",
        severity="blocker",
        title=f"The run ended with {end.kind or 'an exception'} that no rule knows.",
        confidence=_UNEXPLAINED,
        evidence=[
            f"line {case.line_number(at)}: {_line(case, at)}"
            for at in range(end.head, min(end.last, end.head + _SHOWN - 1) + 1)
            if case.lines[at].strip()
        ],
        cause="The message is all that is known of it.",
        remedy="The frames above it name the part that failed: search for the message with that part's name.",
        check="log.unexplained",
    )


def _line(case: Case, at: int) -> str:
    text = bare(case.lines[at]).strip()
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
