"""Turns one raw value into a recipe field's value, or says why it cannot."""

from __future__ import annotations

import math
from typing import Any, Final, get_type_hints

import msgspec

from engine.recipe.fields import FIELDS, Field, nearest
from engine.recipe.recipe import Recipe

_TYPES: Final[dict[str, Any]] = get_type_hints(Recipe)
_WORDS: Final = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    str | None: "text",
    str | int: "auto, cpu or a number",
    list[str]: "a list of texts",
}


class Mistake(Exception):
    """Why a value does not fit its field."""

    def __init__(self, why: str, do: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.do = do


def value_of(field: Field, raw: object) -> Any:
    """`raw` as the field's type, checked against bounds and choices.

    Raises:
        Mistake: with the reason in words, and the nearest valid choice.
    """
    value = _typed(field, raw)
    if field.choices and value not in field.choices:
        near = nearest(str(value), field.choices)
        do = f"Did you mean {near}?" if near else f"Choose one of: {', '.join(field.choices)}."
        raise Mistake(f"{value!r} is not one of: {', '.join(field.choices)}", do)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        _bounded(field, value)
    return value


def parsed(field: Field, text: str) -> Any:
    """The value that a person typed for `field` on a command line or in a form; raises Mistake."""
    kind = _TYPES[field.name]
    stripped = text.strip()
    if stripped.lower() in ("null", "none", "") and _allows_none(kind):
        return None
    if kind == list[str] or (_allows_list(kind) and stripped.startswith("[")):
        return value_of(field, _listed(stripped))
    if kind is bool:
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        return value_of(field, words.get(stripped.lower(), stripped))
    if kind in (int, float, str | int):
        return value_of(field, _number(stripped))
    return value_of(field, stripped)


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "").replace(",", "")
    for convert in (int, float):
        try:
            return convert(plain)
        except ValueError:
            continue
    return text


def _listed(text: str) -> list[str]:
    inner = text.removeprefix("[").removesuffix("]")
    return [part.strip().strip("'\"") for part in inner.split(",") if part.strip()]


def _typed(field: Field, raw: object) -> Any:
    kind = _TYPES[field.name]
    if kind is int and isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) and kind in (int, float, str | int):
        raise Mistake(f"{str(raw).lower()} is not {_WORDS[kind]}", f"Write {_example(field)}.")
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        shown = "nothing" if raw is None else repr(raw)
        wanted = _WORDS.get(kind, "a text or a list of texts")
        raise Mistake(f"{shown} is not {wanted}", f"Write {_example(field)}.") from None


def _bounded(field: Field, value: float) -> None:
    if not math.isfinite(value):
        raise Mistake(f"{value} is not a finite number", f"Write {_example(field)}.")
    low, high = field.low, field.high
    if (low is not None and value < low) or (high is not None and value > high):
        unit = f" {field.unit}" if field.unit else ""
        raise Mistake(f"{value:,g} is out of bounds", f"It takes {field.bounds}{unit}.")


def _example(field: Field) -> str:
    if field.required:
        return f"{field.name}: " + ("path/to/model" if field.name == "model" else "rows.jsonl")
    default = field.default
    shown = "[one, two]" if isinstance(default, list) else "name" if default is None else default
    return f"for example {field.name}: {str(shown).lower() if isinstance(shown, bool) else shown}"


def _allows_none(kind: Any) -> bool:
    return type(None) in getattr(kind, "__args__", ())


def _allows_list(kind: Any) -> bool:
    return list[str] in getattr(kind, "__args__", ())


def missing(values: dict[str, Any]) -> list[Field]:
    """Required fields that `values` leaves out."""
    return [field for field in FIELDS if field.required and field.name not in values]


def built(values: dict[str, Any]) -> Recipe:
    """The recipe that checked `values` make."""
    return Recipe(**values)
