"""What the paths of a mapping stand for in one row, or in one item of a list inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from engine.mapping.path import MISSING, opened, said, value_at

Cleaner = Callable[[str], str]


class Scope:
    """Values by path; an item of a list stands where the list's own path is named."""

    def __init__(self, values: Mapping[str, Any], cleaners: tuple[Cleaner, ...] = ()) -> None:
        self._values = values
        self._cleaners = cleaners
        self._items: list[tuple[str, Any]] = []

    def within(self, path: str, item: Any) -> Scope:
        """The same row with `item` in the place of the list at `path`."""
        inner = Scope(self._values, self._cleaners)
        inner._items = [(path.strip().lower(), item), *self._items]
        return inner

    def value(self, path: str) -> Any:
        """The value as it is; `MISSING` where there is none."""
        wanted = path.strip()
        for place, item in self._items:
            if wanted.lower() == place:
                return item
            if wanted.lower().startswith(f"{place}."):
                return value_at({"item": item}, f"item.{wanted[len(place) + 1 :]}")
        return value_at(self._values, path)

    def text(self, path: str) -> str:
        """The value as text, with what `strip` names taken out."""
        return reduce(lambda text, clean: clean(text), self._cleaners, said(self.value(path)))

    def items(self, path: str) -> list[Any] | None:
        """The items of the list at `path`; None where there is none. A column of lists is taken as rows."""
        value = opened(self.value(path))
        if isinstance(value, list):
            return value
        if isinstance(value, dict) and value and all(isinstance(item, list) for item in value.values()):
            length = min(len(item) for item in value.values())
            return [{name: item[at] for name, item in value.items()} for at in range(length)]
        return [] if value is MISSING or value is None or value == "" else None
