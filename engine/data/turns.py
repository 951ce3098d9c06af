"""Where a conversation's turns begin and end, for those that are tokenised each on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tokenizers import Encoding

from engine.data.by_word import WordEncoding

Spans = list[tuple[int, int]]


class Part(NamedTuple):
    """Characters `[start, end)` of a text, which no token crosses."""

    start: int
    end: int
    answer: bool


class Encoded:
    """The tokens of all parts of a text in a row, as `tokenizers.Encoding` names them."""

    def __init__(self, parts: Sequence[Part], encodings: Sequence[Encoding | WordEncoding]) -> None:
        self.ids = [id for encoding in encodings for id in encoding.ids]
        self.sizes = [len(encoding.ids) for encoding in encodings]
        """Tokens of each part."""
        self._parts, self._encodings = parts, encodings

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Begin and end of each token in characters of the text."""
        return [
            (begin + part.start, end + part.start)
            for part, encoding in zip(self._parts, self._encodings, strict=True)
            for begin, end in encoding.offsets
        ]

    def reach(self, spans: Spans) -> bytearray:
        """1 for every token of a part inside a span; a token may stand for no character at all."""
        mask = bytearray()
        for part, size in zip(self._parts, self.sizes, strict=True):
            inside = any(start <= part.start and part.end <= end for start, end in spans)
            mask += (b"\1" if inside else b"\0") * size
        return mask


def parts_of(text: str, answers: Spans, marks: Sequence[str], head: int = 0) -> list[Part]:
    """`text` cut behind its `head`, where an answer begins or ends, and around each of the tokens `marks`."""
    cuts = {0, head, len(text)} | {at for span in answers for at in span}
    if found := "|".join(re.escape(mark) for mark in marks if mark):
        cuts |= {at for match in re.finditer(found, text) for at in match.span()}
    inside = iter(answers)
    now = next(inside, None)
    parts = []
    for start, end in pairwise(sorted(cuts)):
        while now is not None and now[1] <= start:
            now = next(inside, None)
        parts.append(Part(start, end, now is not None and now[0] <= start))
    return parts


def exchanges(parts: Sequence[Part], sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Tokens of each prompt and of the answer to it."""
    found: list[tuple[int, int]] = []
    answering = True
    for part, size in zip(parts, sizes, strict=True):
        if not part.answer and answering:
            found.append((0, 0))
        if not found:
            found.append((0, 0))
        asked, answered = found[-1]
        found[-1] = (asked, answered + size) if part.answer else (asked + size, answered)
        answering = part.answer
    return found
