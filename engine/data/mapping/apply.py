"""Makes of the rows of a file the rows that a mapping describes, each still with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any, Final

from msgspec.structs import replace

from engine.data.mapping.group import MOST_TURNS, Groups, Order, Said
from engine.data.mapping.order import order_of
from engine.data.mapping.scope import Scope
from engine.data.mapping.speakers import Speakers, merged
from engine.data.mapping.strip import STRIPS
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes.plain import label_column
from engine.mapping.check import unknown_column
from engine.mapping.condition import Condition
from engine.mapping.mapping import Mapping
from engine.mapping.path import said
from engine.mapping.template import Template
from engine.text import one_line

_DEEPEST: Final = 8
_TEXTS: Final = ("question", "answer", "prompt", "completion", "text", "system")
_ANSWERS: Final = ("answer", "completion")


class Mapper:
    """Applies one mapping to the rows of one file, in their order."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.rows = 0
        """Rows that were fed."""
        self.left_out = 0
        """Rows that `filter` kept out."""
        self._conditions = [Condition(text) for text in mapping.conditions]
        self._cleaners = tuple(clean for name, clean in STRIPS.items() if name in mapping.strip)
        self._templates = {name: Template(text) for name in _TEXTS if (text := getattr(mapping, name))}
        self._messages = [(turn.role, Template(turn.content)) for turn in mapping.messages]
        self._content = Template(mapping.content)
        self._speakers = Speakers(mapping.roles)
        self._groups = Groups() if mapping.keys else None
        self._wrong: Refusal | None = None
        self._file = ""

    def meet(self, columns: set[str]) -> None:
        """The columns of the first rows: later ones may lack some that the mapping names, but not all."""
        wrong = unknown_column(self.mapping, columns) if columns else None
        if wrong is not None:
            self._wrong = Refusal("dataset_format", f"`mapping.{wrong.at}`: {wrong.why}.", do=wrong.do)

    def feed(self, row: Row) -> list[Row]:
        """What comes of the next row of the file at once; conversations of several rows come at the end.

        Raises:
            Refusal: the row is not what the mapping takes it for, or no row has a column that it names.
        """
        self._prove(row)
        self.rows += 1
        self._file = row.file
        if not self.holds(row):
            self.left_out += 1
            return []
        if self._groups is None:
            return self.made(row)
        scope = Scope(row.values, self._cleaners)
        role, content = self._turn(scope, row)
        place = (self.rows - 1, row, self._talk(scope), self._order(scope, row))
        self._groups.add(*place, role, content, self._text("system", scope))
        return []

    def finish(self) -> Iterator[tuple[int, Row | Refusal]]:
        """The conversations of the file in the order of their first rows, each with that row's number."""
        if self._groups is not None:
            for found in self._groups.all():
                yield found.number, self._conversation(found)

    def conversation_of(self, row: Row) -> Row | Refusal | None:
        """The conversation that a row belongs to, as far as its rows were fed; None where it was not."""
        if self._groups is None or not self.holds(row):
            return None
        found = self._groups.of(self._talk(Scope(row.values, self._cleaners)))
        return self._conversation(found) if found else None

    def holds(self, row: Row) -> bool:
        """True where the filter lets the row through."""
        lookup = Scope(row.values).value
        return all(condition.holds(lookup) for condition in self._conditions)

    def made(self, row: Row) -> list[Row]:
        """The rows that one row becomes by itself: several with `each`.

        Raises:
            Refusal: the row is not what the mapping takes it for.
        """
        self._prove(row)
        if not self.mapping.composes:
            return [replace(row, values=self._cleaned(row))]
        scope = Scope(row.values, self._cleaners)
        if not self.mapping.each:
            return [replace(row, values=self._composed(scope, row))]
        items = self._items(self.mapping.each, scope, row)
        inner = (scope.within(self.mapping.each, item) for item in items)
        return [replace(row, values=self._composed(each, row)) for each in inner]

    # --- what is composed ---

    def _composed(self, scope: Scope, row: Row) -> dict[str, Any]:
        values: dict[str, Any] = {name: self._text(name, scope) for name in self._templates}
        if self._messages:
            values["messages"] = merged((role, text.filled(scope.text)) for role, text in self._messages)
        if self.mapping.turns:
            places = (
                scope.within(self.mapping.turns, item) for item in self._items(self.mapping.turns, scope, row)
            )
            values["messages"] = merged(self._turn(place, row) for place in places)
        if "prompt" in values and self.mapping.system:
            # A system text has its place in a conversation only.
            values["question"], values["answer"] = values.pop("prompt"), values.pop("completion")
        return self._labelled(values, row)

    def _conversation(self, found: Said) -> Row | Refusal:
        row = Row(self._file, found.start.line, {}, found.start.offset)
        if found.length > MOST_TURNS:
            return Refusal(
                "dataset_format",
                f"The conversation has more than {MOST_TURNS:,} turns.",
                where=row.where,
                why=f"So many rows have the same {' and '.join(self.mapping.keys)}.",
                do="Check mapping.group_by: a conversation's rows share what it names, and no others do.",
            )
        values: dict[str, Any] = {"messages": merged(found.turns)}
        if found.system.strip():
            values["system"] = found.system
        try:
            return replace(row, values=self._labelled(values, row))
        except Refusal as refusal:
            return refusal

    def _text(self, name: str, scope: Scope) -> str:
        template = self._templates.get(name)
        return template.filled(scope.text) if template is not None else ""

    def _turn(self, scope: Scope, row: Row) -> tuple[str, str]:
        column = self.mapping.role_column
        role = self._speakers.role(scope.text(column), row) if column else ""
        return role, self._content.filled(scope.text)

    def _talk(self, scope: Scope) -> str:
        names = [said(scope.value(path)) for path in self.mapping.keys]
        return "\x1f".join(names) if any(name.strip() for name in names) else ""

    def _order(self, scope: Scope, row: Row) -> Order:
        path = self.mapping.order_by
        return order_of(said(scope.value(path)), row) if path else Order(None, "")

    def _items(self, path: str, scope: Scope, row: Row) -> list[Any]:
        items = scope.items(path)
        if items is None:
            what = f"The column {one_line(path, 60)} has to be a list."
            raise Refusal("dataset_format", what, where=row.where, do="Mend this row, or the mapping.")
        return items

    def _prove(self, row: Row) -> None:
        if self._wrong is not None:
            raise self._wrong.at(row.where)

    # --- what only changes ---

    def _labelled(self, values: dict[str, Any], row: Row) -> dict[str, Any]:
        """With the names of `labels` in the answer's place."""
        names = self.mapping.names
        if not names:
            return values
        for column in _ANSWERS:
            if column in values:
                values[column] = _named(values[column], names, row)
        for turn in values.get("messages", []):
            if turn["role"] == "assistant":
                turn["content"] = _named(turn["content"], names, row)
        return values

    def _cleaned(self, row: Row) -> dict[str, Any]:
        values = dict(row.values)
        if self._cleaners:
            values = {name: self._clean(value) for name, value in values.items()}
        label = label_column(values) if self.mapping.labels else None
        if label is not None:
            values[label] = _named(said(values[label]), self.mapping.names, row)
        return values

    def _clean(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return reduce(lambda text, clean: clean(text), self._cleaners, value)
        if depth < _DEEPEST and isinstance(value, list):
            return [self._clean(item, depth + 1) for item in value]
        if depth < _DEEPEST and isinstance(value, dict):
            return {name: self._clean(item, depth + 1) for name, item in value.items()}
        return value


def _named(text: str, names: dict[str, str], row: Row) -> str:
    key = text.strip().removesuffix(".0")
    if key in names:
        return names[key]
    if text.strip() in names.values() or not text.strip():
        return text
    raise Refusal(
        "dataset_format",
        f"The label {one_line(repr(text), 60)} has no name.",
        where=row.where,
        why=f"mapping.labels names {len(names):,} others.",
        do="Add it to mapping.labels, or leave such rows out with mapping.filter.",
    )
