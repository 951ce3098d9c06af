"""What changes a dataset: a step takes rows that can be read again, and gives rows that can be read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from engine.data.row import Row
from engine.inspection.losses import Places

Rows = Callable[[], Iterator[Row]]
"""Gives the same rows in the same order each time that it is called."""


class Note(msgspec.Struct):
    """What one step did, the last time that its rows were read."""

    apply: str
    """As it was asked for, such as `drop=placeholder`."""
    dropped: Places = msgspec.field(default_factory=Places)
    changed: Places = msgspec.field(default_factory=Places)
    added: int = 0
    """Rows that came of cutting others."""


Work = Callable[[Rows, Note], Iterator[Row]]


def over(rows: Rows, work: Work, note: Note) -> Rows:
    """The rows after one more step, which says in `note` what it did."""

    def again() -> Iterator[Row]:
        note.dropped, note.changed, note.added = Places(), Places(), 0
        yield from work(rows, note)

    return again
