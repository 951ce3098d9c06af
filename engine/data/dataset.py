"""Encoded rows in a few flat arrays, so that a million of them cost what their tokens cost."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Final

ARRAYS: Final = {"ids": "I", "mask": "B", "offsets": "Q", "file_of": "I", "line_of": "I", "times": "H",
                 "parted": "Q"}  # fmt: skip
"""The flat arrays of `Rows` by name, with the type of their items as `array` and `memoryview` write it."""


class Rows:
    """Where encoded rows are kept: token ids and label mask end to end, and each row's origin.

    A row is one sequence, or a pair of them: a chosen and a rejected answer to the same prompt.

    Four bytes a token for its id, one for its mask, eighteen a row for where it is and came from.
    Rows that are mapped from the disk (`of`) are read alike, and nothing can be added to them.

    Attributes:
        highest: the largest token id, 0 without any.
    """

    def __init__(self) -> None:
        self.ids = array("I")
        self.mask = bytearray()
        self.offsets = array("Q", [0])
        self.files: list[str] = []
        self.highest = 0
        self.file_of = array("I")
        self.line_of = array("I")
        self.times = array("H")
        """How often an epoch draws each row."""
        self.held: object = None
        """Keeps whatever the arrays' memory depends on."""

        self.parted = array("Q")
        """Where in `ids` the second sequence of each row begins; empty where rows are one sequence."""

    def add(self, ids: Sequence[int], mask: bytes | bytearray, file: str, line: int, times: int = 1) -> None:
        """Append one row: `mask` is 1 where the token is learnt, as long as `ids`."""
        if not self.files or self.files[-1] != file:
            self.files.append(file)
        self.highest = max(self.highest, max(ids, default=0))
        self.ids.extend(ids)
        self.mask += mask
        self.offsets.append(len(self.ids))
        self.file_of.append(len(self.files) - 1)
        self.line_of.append(line)
        self.times.append(times)

    def add_pair(self, chosen: Sequence[int], mask: bytearray, rejected: Sequence[int], other: bytearray,
                 file: str, line: int, times: int = 1) -> None:  # fmt: skip
        """Append a row of two sequences, `mask` being of the chosen one and `other` of the rejected one."""
        self.parted.append(len(self.ids) + len(chosen))
        self.add([*chosen, *rejected], mask + other, file, line, times)

    def __len__(self) -> int:
        return len(self.line_of)

    def where(self, row: int) -> str:
        """`file:line` of a row."""
        return f"{self.files[self.file_of[row]]}:{self.line_of[row]}"

    @property
    def arrays(self) -> dict[str, Any]:
        """The flat arrays by their names, each with the buffer protocol."""
        return {name: getattr(self, name) for name in ARRAYS}

    @classmethod
    def of(cls, arrays: Mapping[str, Any], files: list[str], highest: int) -> Rows:
        """Rows that lie in `arrays`, whatever their memory is."""
        rows = cls()
        for name in ARRAYS:
            setattr(rows, name, arrays[name])
        rows.files, rows.highest = files, highest
        return rows


class Dataset:
    """Some rows of `Rows`, in an order of its own; training and held-out rows share one store."""

    def __init__(self, rows: Rows, index: Sequence[int] | None = None) -> None:
        self.rows = rows
        self.index = array("Q", range(len(rows)) if index is None else index)

    def __len__(self) -> int:
        return len(self.index)

    def span(self, i: int) -> tuple[int, int]:
        """First and last-but-one position of row `i` in the store's flat arrays."""
        row = self.index[i]
        return self.rows.offsets[row], self.rows.offsets[row + 1]

    def sequences(self, i: int) -> list[tuple[int, int]]:
        """The spans of what the model reads of row `i`: one, or a chosen and a rejected sequence."""
        begin, end = self.span(i)
        if not self.rows.parted:
            return [(begin, end)]
        middle = self.rows.parted[self.index[i]]
        return [(begin, middle), (middle, end)]

    def size(self, i: int) -> int:
        """Tokens that row `i` takes in a micro-batch: of a pair both sequences count as the longer one."""
        spans = self.sequences(i)
        return len(spans) * max(end - begin for begin, end in spans)

    def row(self, i: int) -> tuple[array[int], bytes]:
        """Token ids of row `i`, and as many mask bytes: 1 where the token is learnt from those before it."""
        begin, end = self.span(i)
        return array("I", self.rows.ids[begin:end].tobytes()), bytes(self.rows.mask[begin:end])

    def length(self, i: int) -> int:
        """Tokens of row `i`."""
        begin, end = self.span(i)
        return end - begin

    def labels(self, i: int) -> int:
        """Tokens of row `i` that are learnt."""
        begin, end = self.span(i)
        return bytes(self.rows.mask[begin:end]).count(1)

    def source(self, i: int) -> str:
        """`file:line` of row `i`."""
        return self.rows.where(self.index[i])

    def prompt(self, i: int, words: int = 16) -> array[int]:
        """What comes before the first learnt token of row `i`; its first `words` tokens if all are learnt."""
        ids, mask = self.row(i)
        first = mask.find(1)
        return ids[: first if first > 1 else min(words, max(len(ids) // 2, 1))]

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return sum(self.length(i) for i in range(len(self)))

    @property
    def label_tokens(self) -> int:
        """Tokens of all rows that are learnt."""
        return sum(self.labels(i) for i in range(len(self)))

    def digest(self) -> str:
        """A hash of what is learnt and in which order, to recognise the same data at a resume."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.rows.ids, self.rows.mask, self.rows.offsets, self.index, self.rows.parted):
            digest.update(memoryview(part))
        return digest.hexdigest()
