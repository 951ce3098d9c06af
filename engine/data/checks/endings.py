"""Answers that break off, and answers that were all cut at one length."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from engine.data.checks.check import Back, RowCheck
from engine.data.checks.seen import Seen
from engine.findings import Finding
from engine.inspection.losses import Places

_LONG: Final = 200
"""Characters from which on an answer is prose that could have been cut."""
_LINE: Final = 60
"""Of the last line; a shorter one is a signature, a title or an item of a list."""
_SENTENCES: Final = 2
_ENDS: Final = (". ", "! ", "? ", ".\n", "。", "！", "？", "। ", "؟ ", "。\n")
_MANY: Final = 5
_SHARE: Final = 0.01
_SHOWN: Final = 60
CUT: Final = "cut"


def unfinished(text: str) -> bool:
    """True for sentences of which the last one stops at a letter or a comma."""
    if len(text) < _LONG:
        return False
    text = text.rstrip()
    if not (text[-1:].isalnum() or text[-1:] in (",", "，", "、")):
        return False
    last = text[text.rfind("\n") + 1 :]
    if len(last) < _LINE or "://" in last or last.rsplit(None, 1)[-1][:1] in "#@":
        return False
    return sum(text.count(end) for end in _ENDS) >= _SENTENCES


def _look(seen: Seen) -> str:
    return f"…{seen.answer.rstrip()[-_SHOWN:]}" if unfinished(seen.answer) else ""


UNFINISHED: Final = RowCheck(
    name="unfinished",
    category="truncation",
    severity="warning",
    title="have an answer that breaks off in the middle of a sentence",
    cause="The answers were generated with a limit on their tokens, or cut to a size.",
    remedy="Leave these rows out, or generate them again with more room: the model learns to break off.",
    look=_look,
    share=0.02,
)


class CutAtOneLength:
    """Notices when the longest answers all have the same number of characters, and break off."""

    def __init__(self, back: Back) -> None:
        self._rows = 0
        self._longest = _LONG
        self._cut = Places()
        self._numbers = array("Q")

    def add(self, seen: Seen) -> None:
        """One more row."""
        self._rows += 1
        size = len(seen.answer)
        if size < self._longest:
            return
        if size > self._longest:
            self._longest, self._cut, self._numbers = size, Places(), array("Q")
        if seen.answer[-1:].isalnum() or seen.answer[-1:] in " ,":
            self._cut.add(seen.row.where)
            self._numbers.append(seen.number)

    def steps(self) -> Iterator[None]:
        """Nothing is left to do."""
        yield from ()

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows that were cut."""
        return self._numbers if check == CUT else None

    def findings(self) -> Iterator[Finding]:
        """One, where so many answers end after exactly as many characters that it is no chance."""
        count = len(self._cut)
        if count < max(_MANY, _SHARE * self._rows):
            return
        yield Finding(
            category="truncation",
            severity="warning",
            title=f"{count:,} answers are cut off after exactly {self._longest:,} characters",
            evidence=self._cut.told,
            cause="None is longer, and these end in the middle of a sentence: what wrote them has a limit.",
            remedy="Make the data again without the limit, or leave these rows out.",
            count=count,
            share=count / self._rows,
            places=self._cut.first,
            check=CUT,
        )
