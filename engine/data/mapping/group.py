"""Gathers rows into conversations in bounded memory: what does not fit lies in a nameless file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.data.refusal import Refusal
from engine.data.row import Row, Start

_CACHE: Final = -32768
"""As SQLite counts: 32 MiB, beyond which it writes to the disk."""
MOST_TURNS: Final = 10_000
"""Of a conversation; one that is longer is no conversation but a column that all rows share."""


class Order(NamedTuple):
    """What sorts a turn within its conversation: numbers before texts, each by its kind."""

    number: float | None
    text: str


class Said(NamedTuple):
    """One conversation: where its first row is, its turns in order, and its system text."""

    number: int
    """Of its first row, counted from 0 in the file."""
    start: Start
    turns: list[tuple[str, str]]
    """Role and text."""
    system: str
    length: int
    """Turns; more than are in `turns` where they are too many."""


class Groups:
    """Turns by the conversation that they belong to."""

    def __init__(self) -> None:
        self._indexed = False
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for line in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "PRAGMA temp_store = FILE",
            f"PRAGMA cache_size = {_CACHE}",
            "CREATE TABLE turn (number INTEGER PRIMARY KEY, talk TEXT, line INTEGER, offset INTEGER, "
            "place REAL, placed TEXT, role TEXT, content TEXT, system TEXT)",
            "BEGIN",
        ):
            self._do(line)

    def add(
        self, number: int, row: Row, talk: str, order: Order, role: str, content: str, system: str
    ) -> None:
        """Row `number` of the file, of the conversation called `talk`; no name is one of its own."""
        values = (number, talk or f"\0{number}", row.line, row.offset, *order, role, content, system)
        try:
            self._do("INSERT OR REPLACE INTO turn VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        except UnicodeEncodeError:
            raise Refusal(
                "dataset_encoding_or_parse",
                "The row holds half of a character.",
                where=row.where,
                why="An escape such as \\ud83d stands alone; it is only the first half of a pair.",
                do="Write the whole character, or remove the escape.",
            ) from None

    def all(self) -> Iterator[Said]:
        """Every conversation, in the order of their first rows."""
        self._index()
        for talk, _ in self._do("SELECT talk, min(number) AS first FROM turn GROUP BY talk ORDER BY first"):
            found = self.of(talk)
            if found is not None:
                yield found

    def of(self, talk: str) -> Said | None:
        """The conversation called `talk` as far as its rows were added."""
        self._index()
        found = self._do(
            "SELECT number, line, offset, role, content, system FROM turn WHERE talk = ? "
            "ORDER BY place IS NULL, place, placed, number LIMIT ?",
            (talk, MOST_TURNS + 1),
        ).fetchall()
        if not found:
            return None
        first = min(found)
        turns = [(role, content) for _, _, _, role, content, _ in found]
        return Said(first[0], Start(first[2], first[1]), turns, first[5], len(found))

    def _index(self) -> None:
        """Make what finds a conversation's rows: sorting once is faster than keeping in order."""
        if not self._indexed:
            self._do("CREATE INDEX talks ON turn (talk, number)")
            self._indexed = True

    def _do(self, words: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._rows.execute(words, values)
        except sqlite3.Error as error:
            raise Refusal(
                "save_or_disk",
                "The rows cannot be gathered into conversations.",
                why=f"Their temporary file says: {error}.",
                do="Make room in the folder of temporary files, or name another with TMPDIR.",
            ) from None
