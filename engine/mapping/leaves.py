"""Looks at sample rows column by column, and inside objects, to see what a column is good for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from engine.mapping.path import opened, said

_DEEPEST: Final = 4
_MOST: Final = 200
"""Columns looked at; a table with more is no text."""
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,:]\d+)*%?")
_DATE: Final = re.compile(r"\d{4}-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_ID: Final = re.compile(r"[0-9a-fA-F]{8}-|[0-9a-fA-F-]{16,}$|https?://|[\w.-]+@[\w-]+\.")


class Leaf:
    """The values that stand at one path in some rows."""

    def __init__(self, path: str, rows: int) -> None:
        self.path = path
        self.rows = rows
        self.texts: list[str] = []
        self.numbers = 0
        self.flags = 0

    def add(self, value: Any) -> None:
        """The value of one more row."""
        self.flags += isinstance(value, bool)
        text = said(value).strip()
        if not text:
            return
        self.texts.append(text)
        plain = not isinstance(value, bool) and (isinstance(value, int | float) or _NUMBER.fullmatch(text))
        self.numbers += bool(plain)

    @property
    def filled(self) -> float:
        """The share of rows that have something there, 0 to 1."""
        return len(self.texts) / self.rows if self.rows else 0.0

    @property
    def length(self) -> float:
        """Characters on average; one of Chinese or Japanese says as much as three others."""
        if not self.texts:
            return 0.0
        wide = sum(letter >= "\u2e80" for text in self.texts if not text.isascii() for letter in text)
        return (sum(map(len, self.texts)) + 2 * wide) / len(self.texts)

    @property
    def kinds(self) -> int:
        """Different values."""
        return len(set(self.texts))

    @property
    def is_number(self) -> bool:
        """True where nearly all are numbers or flags."""
        return bool(self.texts) and self.numbers + self.flags >= 0.9 * len(self.texts)

    @property
    def is_text(self) -> bool:
        """True where there are words to learn, and no numbers, dates, addresses or flags."""
        if not self.texts or self.is_number:
            return False
        odd = sum(bool(_DATE.match(text) or _ID.match(text)) and " " not in text[:40] for text in self.texts)
        return odd < 0.5 * len(self.texts)

    @property
    def is_order(self) -> bool:
        """True for numbers and dates, which sort turns; names of messages may be drawn by lot."""
        dated = sum(bool(_DATE.match(text)) for text in self.texts)
        return self.filled > 0.9 and (self.is_number or dated > 0.9 * len(self.texts))

    @property
    def is_class(self) -> bool:
        """True for few short values that come again and again."""
        if len(self.texts) < 2 or max(map(len, self.texts)) > 60:
            return False
        again = self.kinds <= max(0.5 * len(self.texts), 1) or (len(self.texts) < 8 and self.length < 24)
        return again and self.kinds > (0 if len(self.texts) < 8 else 1)


class Lists:
    """The lists that stand at one path in some rows, and what their items hold."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lengths: list[int] = []
        self.items: list[Any] = []

    def add(self, items: Sequence[Any]) -> None:
        """The list of one more row."""
        self.lengths.append(len(items))
        self.items += items[:8]

    @property
    def leaves(self) -> dict[str, Leaf]:
        """What its items hold, where they are objects."""
        objects = [item for item in self.items if isinstance(item, Mapping)]
        return look(objects)[0] if len(objects) > 0.5 * len(self.items) else {}

    @property
    def is_texts(self) -> bool:
        """True where its items are texts, most of several words."""
        texts = [item for item in self.items if isinstance(item, str)]
        return bool(texts) and len(texts) == len(self.items) and sum(" " in t for t in texts) > len(texts) / 2


def look(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Leaf], dict[str, Lists]]:
    """All plain values by path, and all lists by path."""
    leaves: dict[str, Leaf] = {}
    lists: dict[str, Lists] = {}
    met = list(rows)
    for row in met:
        _walk(row, "", len(met), leaves, lists, 0)
    return leaves, lists


def _walk(
    values: Mapping[str, Any],
    at: str,
    rows: int,
    leaves: dict[str, Leaf],
    lists: dict[str, Lists],
    depth: int,
) -> None:
    for name, held in values.items():
        path = f"{at}.{name}" if at else str(name)
        odd = not str(name).strip() or any(mark in path for mark in "{}\n") or (at and "." in str(name))
        if len(leaves) > _MOST or odd:
            continue
        value = opened(held)
        if isinstance(value, list):
            lists.setdefault(path, Lists(path)).add(value)
        elif isinstance(value, Mapping) and depth < _DEEPEST:
            columns = _as_rows(value)
            if columns is not None:
                lists.setdefault(path, Lists(path)).add(columns)
            else:
                _walk(value, path, rows, leaves, lists, depth + 1)
        elif not isinstance(value, Mapping):
            leaves.setdefault(path, Leaf(path, rows)).add(value)


def _as_rows(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The objects that columns of equal length make, as tables write lists of objects."""
    lists = [item for item in value.values() if isinstance(item, list)]
    if len(lists) < 2 or len(lists) != len(value) or len({len(item) for item in lists}) != 1:
        return None
    return [{name: item[at] for name, item in value.items()} for at in range(len(lists[0]))]
