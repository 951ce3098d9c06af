"""How long the rows are, counted so exactly that any `max_length` can be judged without reading again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.inspection.losses import Losses


class Lengths(msgspec.Struct):
    """Counts by token; the number of different lengths bounds the size, and that is below √(2 · tokens)."""

    rows: dict[int, int] = {}
    """Tokens of a row that is cut at `max_length`, and how many rows have as many."""
    documents: dict[int, int] = {}
    """The same for texts that are learnt whole, cut into several windows where they are longer."""
    streams: list[int] = []
    """Tokens of each text file, which is learnt in windows."""
    first: dict[int, int] = {}
    """Tokens before the first learnt one, and how many rows have as many."""
    edges: dict[int, int] = {}
    """At which token how many more (or fewer) rows learn than at the one before."""
    prefix: int = 0
    """Tokens that the tokenizer puts before each text and window."""

    def add(self, mask: bytes | bytearray) -> None:
        """Count a row; `mask` is 1 where a token is learnt."""
        _count(self.rows, len(mask))
        begin = mask.find(1)
        _count(self.first, begin if begin >= 0 else len(mask))
        while begin >= 0:
            end = mask.find(0, begin)
            _count(self.edges, begin)
            _count(self.edges, end if end >= 0 else len(mask), -1)
            begin = mask.find(1, end) if end >= 0 else -1

    def add_document(self, tokens: int) -> None:
        """Count a text that is learnt whole."""
        _count(self.documents, tokens)

    def truncated_rows(self, max_length: int) -> int:
        """Rows that lose something."""
        return sum(rows for tokens, rows in self.rows.items() if tokens > max_length)

    def truncated_answer_tokens(self, max_length: int) -> int:
        """Learnt tokens that are cut off, over all rows."""
        lost = learning = at = 0
        for edge, change in sorted(self.edges.items()):
            lost += learning * max(edge - max(at, max_length), 0)
            learning, at = learning + change, edge
        return lost

    def fully_masked_rows(self, max_length: int) -> int:
        """Rows that have nothing left to learn."""
        return sum(rows for tokens, rows in self.first.items() if tokens >= max_length)

    def losses(self, max_length: int, known: Losses, truncation: str = "cut") -> Losses:
        """`known` as it would be at another `max_length`; which rows vanish is not remembered.

        Where longer rows are balanced, what their answers lose is not known either, and 0 stands for it.
        """
        if truncation != "cut":
            longer, drop = self.truncated_rows(max_length), truncation == "drop"
            return msgspec.structs.replace(
                known,
                truncated_rows=0 if drop else longer,
                truncated_answer_tokens=0,
                vanished=type(known.vanished)(),
                dropped=msgspec.structs.replace(known.dropped, count=longer if drop else 0, first=[]),
            )
        vanished = msgspec.structs.replace(known.vanished, count=self.fully_masked_rows(max_length), first=[])
        return msgspec.structs.replace(
            known,
            truncated_rows=self.truncated_rows(max_length),
            truncated_answer_tokens=self.truncated_answer_tokens(max_length),
            vanished=vanished,
        )

    def counts(self, max_length: int) -> dict[int, int]:
        """Tokens and how many rows have as many, the windows of text files among them."""
        counts = dict(self.rows)
        for tokens, rows in self.documents.items():
            _count(counts, tokens, rows)
        room = max(max_length - self.prefix, 1)
        for tokens in self.streams:
            _count(counts, max_length, tokens // room)
            if (rest := tokens % room) > 1:
                _count(counts, rest + self.prefix)
        return {tokens: rows for tokens, rows in counts.items() if rows}

    @property
    def total(self) -> int:
        """Tokens of everything."""
        return sum(self.streams) + sum(
            tokens * rows for counts in (self.rows, self.documents) for tokens, rows in counts.items()
        )

    def quantiles(self, shares: Sequence[float], max_length: int) -> list[int]:
        """For each share (ascending) the length that so many rows do not exceed; zeros without rows."""
        counts = sorted(self.counts(max_length).items())
        whole = sum(rows for _, rows in counts)
        found: list[int] = []
        passed, items = 0, iter(counts)
        tokens = 0
        for share in shares:
            while passed < max(math.ceil(share * whole), 1):
                item = next(items, None)
                if item is None:
                    break
                tokens, passed = item[0], passed + item[1]
            found.append(tokens)
        return found


_FEW: Final = 16
"""Bars that have a label each, which should be easy to read."""


class Histogram(msgspec.Struct, frozen=True):
    """Rows by length in equal steps."""

    step: int
    """Bar i counts lengths above `i * step` up to `(i + 1) * step`; the last one counts all above too."""
    bars: list[int]


def histogram(counts: dict[int, int], bars: int, reach: int) -> Histogram:
    """At most `bars` bars that reach as far as `reach` tokens, of a round width where they are few."""
    step = max(-(-reach // max(bars, 1)), 1)
    if bars <= _FEW:
        unit = 10 ** (len(str(step)) - 1)
        step = next(unit * round_ for round_ in (1, 2, 5, 10) if unit * round_ >= step)
    found = [0] * max(-(-reach // step), 1)
    for tokens, rows in counts.items():
        found[min(max(tokens - 1, 0) // step, len(found) - 1)] += rows
    return Histogram(step, found)


def _count(counts: dict[int, int], key: int, by: int = 1) -> None:
    counts[key] = counts.get(key, 0) + by
