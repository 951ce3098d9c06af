"""Names a value in a row: a column, or what is inside one, such as `customer.name` or `answers.0`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_DEEPEST: Final = 16
MISSING: Final = object()
"""What is found where there is nothing."""


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value that `path` names, or `MISSING`; a name with dots in it may be a column's own.

    The columns of a row are lower case, and a name is looked for as such; names inside objects are taken as
    they stand, and else without regard to case. Texts that hold JSON are entered like what they hold.
    """
    name = path.strip().lower()
    if name in values:
        return values[name]
    head, dot, rest = path.strip().partition(".")
    while dot:
        inner = values.get(head.lower(), MISSING)
        if inner is not MISSING:
            return _inside(inner, rest.split(".")[:_DEEPEST])
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return MISSING


def column_of(path: str, columns: Mapping[str, Any] | set[str]) -> str | None:
    """The column among `columns` that `path` begins with, or None."""
    name = path.strip().lower()
    while name not in columns:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return name


def opened(value: Any) -> Any:
    """`value`, or what a text holds that is JSON of a list or an object."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError):
        return value


def said(value: Any) -> str:
    """A value as text: nothing as the empty text, lists of texts with commas, objects as JSON."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() if all(isinstance(item, str | int | float) for item in value):
            return ", ".join(said(item) for item in value)
    if value is MISSING:
        return ""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError, RecursionError, TypeError):
        return ""


def _inside(value: Any, keys: list[str]) -> Any:
    for at, key in enumerate(keys):
        value = opened(value)
        if isinstance(value, list):
            if not key.isdecimal():
                found = [_inside(item, keys[at:]) for item in value]
                return [item for item in found if item is not MISSING]
            value = value[int(key)] if len(key) < 9 and int(key) < len(value) else MISSING
        elif isinstance(value, dict):
            value = value[key] if key in value else _any_case(value, key)
        else:
            return MISSING
    return value


def _any_case(value: dict[str, Any], key: str) -> Any:
    wanted = key.strip().lower()
    return next((item for name, item in value.items() if str(name).strip().lower() == wanted), MISSING)
