"""What becomes of another trainer's file, key by key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from engine.recipe.check import Mistake, value_of
from engine.recipe.fields import field_named
from engine.recipe.together import clashes
from engine.text import one_line

Outcome = Literal["same", "translated", "ignored", "default"]
"""`default`: the file is silent, and what the other trainer takes then is written out."""
_WIDEST: Final = 60
_OFF_MATTERS: Final = frozenset({"shuffle_merged_datasets", "do_train"})
_SECRET: Final = re.compile("api_key|hub_token|auth_token|secret|password")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One key."""

    key: str
    value: str
    """As the file has it, on one line."""
    outcome: Outcome
    field: str = ""
    """The recipe's field; empty where there is none."""
    becomes: str = ""
    """What is written there."""
    consequence: str = ""
    """What that means for the run; empty where nothing changes."""


class Translation:
    """A recipe's values as they are found, and a line for each key of the file.

    Args:
        tool: the other trainer's name.
    """

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.values: dict[str, Any] = {}
        self.lines: list[Line] = []
        self.files: dict[str, str] = {}
        """Files that the recipe needs beside it: their text by the endings of their names."""

    def take(
        self, key: str, value: object, field: str, becomes: object = None, consequence: str = ""
    ) -> None:
        """`value` (or what it `becomes`) goes into `field`, unless that does not take it."""
        new = value if becomes is None else becomes
        known = field_named(field)
        if known is None:
            self.leave(key, value, f"This version has no field {field}.")
            return
        try:
            new = value_of(known, _number(new))
        except Mistake as mistake:
            self.leave(key, value, f"{field} does not take it: {mistake.why}.")
            return
        if clash := next(clashes(lambda name: {**self.values, field: new}.get(name, _default(name))), None):
            self.leave(key, value, f"It is left out: {clash.why}.")
            return
        self.values[field] = new
        same = field == key and not consequence and told(new) == told(_number(value))
        self._say(key, value, "same" if same else "translated", field, told(new), consequence)

    def leave(self, key: str, value: object, consequence: str) -> None:
        """`key` has no effect here."""
        self._say(key, value, "ignored", consequence="It says nothing." if empty(value) else consequence)

    def note(self, key: str, value: object, becomes: str, consequence: str = "") -> None:
        """`key` is heeded, in other ways than by a field of its own."""
        self._say(key, value, "translated", becomes=becomes, consequence=consequence)

    def default(self, key: str, field: str, value: object, consequence: str = "") -> None:
        """The file does not say `key`, whose default is `value` of `field`; nothing where that is set."""
        if field in self.values:
            return
        self.values[field] = value
        self._say(key, None, "default", field, told(value), consequence)

    def _say(
        self,
        key: str,
        value: object,
        outcome: Outcome,
        field: str = "",
        becomes: str = "",
        consequence: str = "",
    ) -> None:
        secret = bool(_SECRET.search(key)) and not empty(value)
        line = Line(
            key=one_line(key, _WIDEST),
            value="(hidden)" if secret else told(value),
            outcome=outcome,
            field=field,
            becomes=becomes,
            consequence=consequence,
        )
        self.lines.append(line)


class Take(msgspec.Struct, frozen=True):
    """A key that goes into a field."""

    field: str
    convert: Callable[[Any], object] | None = None
    consequence: str = ""


Table = dict[str, Take | str]
"""Keys with the field that each goes into, or with what it means that there is none."""


def translate(table: Table, key: str, value: object, found: Translation) -> bool:
    """One key by a table; False where the table does not know it."""
    rule = table.get(key)
    if rule is None:
        return False
    if isinstance(rule, str) or empty(value):
        off = value is False and key not in _OFF_MATTERS
        found.leave(key, value, "It is off." if off else rule if isinstance(rule, str) else "")
        return True
    becomes = rule.convert(value) if rule.convert is not None else value
    found.take(key, value, rule.field, becomes, rule.consequence if value else "")
    return True


def renamed(names: dict[str, str]) -> Callable[[Any], object]:
    """Gives a text its name here, and leaves all else alone."""
    return lambda value: names.get(value, value) if isinstance(value, str) else value


def empty(value: object) -> bool:
    """True for what says nothing."""
    return value is None or value in ("", [], {})


def told(value: object) -> str:
    """A value on one short line; what nests is only counted, because aliases may make it endless."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        return one_line(", ".join(str(item) for item in value[:8]), _WIDEST) or "[]"
    if isinstance(value, (list, dict)):
        noun = "entries" if isinstance(value, list) else "keys"
        return f"{len(value)} {noun}"
    try:
        return one_line(f"{value:g}" if isinstance(value, float) else str(value), _WIDEST)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


def _default(name: str) -> object:
    field = field_named(name)
    return field.default if field is not None else None


def _number(value: object) -> object:
    """`1e-4` is a text to the parsers of both trainers, which make a number of it."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if any(c in value for c in ".eE") else int(value)
    except ValueError:
        return value
