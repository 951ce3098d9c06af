"""Turns one raw value into a recipe field's value, or says why it cannot."""

from __future__ import annotations

import math
import re
from typing import Any, Final, get_origin, get_type_hints

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.leases.asked import asked
from engine.mapping.check import Misfit, mapping_of
from engine.mapping.mapping import Mapping, plain
from engine.recipe.edit import written
from engine.recipe.fields import FIELDS, Field, nearest
from engine.recipe.recipe import Recipe
from engine.sources.entry import Entry, entry_from
from engine.text import one_line

_TYPES: Final[dict[str, Any]] = get_type_hints(Recipe)
_WORDS: Final = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    str | None: "text",
    str | int | list[int | str]: "auto, cpu, a number of devices or a list of cards",
    list[str]: "a list of texts",
    list[int]: "a list of layers such as [0, 1] or 8-15",
    dict[str, int]: "names with a whole number each, such as {q_proj: 32}",
    dict[str, float]: "names with a number each, such as {q_proj: 32}",
}
_SPAN: Final = re.compile(r"(\d{1,5})\s*(?:-\s*(\d{1,5}))?")
"""A layer, or the first and the last of several."""


_GROUPED: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
"""A comma is read as one between thousands, never as a decimal point."""
_UNSAYABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


_LONGEST: Final = 16_384
"""Characters of a text: four times what a path may have, and more than a prompt to sample with needs."""
_BRACKETS: Final = 1000


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
    value = field.spelt.get(value, value) if isinstance(value, str) else value
    if field.choices and value not in field.choices and not re.fullmatch(field.also or "(?!)", str(value)):
        near = nearest(str(value), field.choices)
        do = f"Did you mean {near}?" if near else f"Choose one of: {', '.join(field.choices)}."
        raise Mistake(f"{one_line(repr(value), 80)} is not one of: {', '.join(field.choices)}", do)
    for number in value.values() if isinstance(value, dict) else [value]:
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            _bounded(field, number)
    return value


def parsed(field: Field, text: str) -> Any:
    """The value that a person typed for `field` on a command line or in a form; raises Mistake."""
    kind = _TYPES[field.name]
    stripped = text.strip()
    if stripped.lower() in ("null", "none", "") and _allows_none(kind):
        return None
    if _allows_entry(kind) and stripped.startswith(("[", "{")) and "{" in stripped:
        return value_of(field, _structured(stripped))
    if kind == list[int]:
        return value_of(field, stripped)
    if get_origin(kind) is dict:
        return value_of(field, _structured(stripped or "{}"))
    if kind == list[str] or (_allows_list(kind) and stripped.startswith("[")):
        return value_of(field, _listed(stripped))
    if field.name == "mapping":
        return value_of(field, _structured(stripped))
    if kind is bool:
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        return value_of(field, words.get(stripped.lower(), stripped))
    if kind in (int, float):
        return value_of(field, _number(stripped))
    return value_of(field, stripped)


def part_set(field: Field, before: object, name: str, text: str) -> Any:
    """The value of `field` with its part called `name` as a person typed it, such as `mapping.question`.

    Raises:
        Mistake: the field has no parts, or the text does not fit.
    """
    if field.name != "mapping":
        raise Mistake("it has no parts", f"Write --set {field.name}=value.")
    stripped = text.strip()
    written_so = stripped.startswith("[") or (stripped.startswith("{") and name in ("roles", "labels"))
    value = _structured(stripped) if written_so else text.replace("\\n", "\n")
    parts = before if isinstance(before, dict) else plain(before) if isinstance(before, Mapping) else {}
    return value_of(field, {**parts, name: value})


def shown(raw: object, width: int) -> str:
    """`raw` for people, on one line of at most `width` characters."""
    try:
        return "nothing" if raw is None else one_line(str(raw), width)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    for convert in (int, float):
        try:
            return convert(plain)
        except ValueError:
            continue
    return text


def _listed(text: str) -> list[str]:
    """The items of `[a, "b, c"]`, each as it is written; text without brackets is one item."""
    if not text.startswith("["):
        return [text]
    try:
        # No list of texts opens so many, and reading them on takes long.
        found = YAML(typ="base", pure=True).load(text) if text.count("[") < _BRACKETS else None
    except (YAMLError, RecursionError, TypeError):  # a mapping as a key cannot be hashed
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise Mistake(
            f"{one_line(repr(text), 80)} is not a list of texts", 'Write it as [one, "two, with a comma"].'
        )
    return found


def _structured(text: str) -> object:
    """What `{path: a, split: train}`, or a list of such and of paths, says; every scalar is a text."""
    try:
        found = YAML(typ="base", pure=True).load(text) if text.count("[") + text.count("{") < _BRACKETS else 0
    except (YAMLError, RecursionError, TypeError):  # a mapping as a key cannot be hashed
        found = 0
    if not isinstance(found, (list, dict)):
        do = 'Write it as {name: value, other: "a text"}, or several of them in [ ].'
        raise Mistake(f"{one_line(repr(text), 80)} cannot be read", do)
    return found


def _entries(raw: object) -> object:
    """`raw` with every mapping in it read as an entry of data."""
    if isinstance(raw, list):
        return [_entries(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    try:
        return entry_from(raw)
    except ValueError as error:
        what = f"{shown(raw, 80)} is not what names data: {error}"
        raise Mistake(what, "Write it as {path: rows.jsonl, weight: 2}.") from None


def _mapping(raw: object) -> Mapping:
    try:
        return raw if isinstance(raw, Mapping) else mapping_of(raw)
    except Misfit as error:
        where = f"`{error.at}`: " if error.at else ""
        raise Mistake(f"{where}{error.why}", error.do) from None


def _typed(field: Field, raw: object) -> Any:
    kind = _TYPES[field.name]
    if _allows_entry(kind):
        raw = _entries(raw)
    if field.name == "mapping":
        return None if raw is None else _mapping(raw)
    if kind is int and isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if kind == list[int]:
        raw = _indices(raw)
    if get_origin(kind) is dict and isinstance(raw, dict):
        raw = {name: _number(one) if isinstance(one, str) else one for name, one in raw.items()}
    if field.name == "adapter" and type(raw) is int:
        raw = str(raw)  # runs are named by their numbers
    if field.name == "trust_remote_code" and isinstance(raw, bool):
        if raw:
            raise Mistake("it takes the words that name the code", "Start the run without it: it says them.")
        return None
    if field.name == "devices":
        raw = _devices(raw)
    if isinstance(raw, bool) and (kind in (int, float) or field.name == "devices"):
        raise Mistake(f"{str(raw).lower()} is not {_WORDS[kind]}", f"Write {_example(field)}.")
    try:
        value = msgspec.convert(raw, kind)
    except (msgspec.ValidationError, OverflowError, UnicodeEncodeError):
        given = shown(repr(raw) if isinstance(raw, str) else raw, 80)
        wanted = _WORDS.get(kind, "a text or a list of texts")
        raise Mistake(f"{given} is not {wanted}", f"Write {_example(field)}.") from None
    items = value if isinstance(value, list) else [value]
    texts = [text for item in items for text in _texts(item)]
    if value in ("", []) and field.default != value:
        raise Mistake("it is empty", f"Write {_example(field)}.")
    if any(_UNSAYABLE.search(text) for text in texts):
        raise Mistake("it holds a control character or half of one that takes two codes", "Write it without.")
    if any(len(text) > _LONGEST for text in texts):
        raise Mistake(f"it is longer than {_LONGEST:,} characters", "Write it shorter.")
    return value


def _indices(raw: object) -> object:
    """`[0, 1, 8-10]`, `8-10` or a single number as a sorted list of numbers; all else as it is."""
    if isinstance(raw, bool) or not isinstance(raw, (int, str, list)):
        return raw
    text = ",".join(str(item) for item in raw) if isinstance(raw, list) else str(raw)
    spans = [_SPAN.fullmatch(part.strip()) for part in text.strip().strip("[]").split(",") if part.strip()]
    if not all(spans):
        return raw
    ends = [(int(span[1]), int(span[2] or span[1])) for span in spans if span]
    return sorted({index for first, last in ends for index in range(first, last + 1)})


def _devices(raw: object) -> object:
    """`raw` with numbers as numbers, once it is known to name or count devices."""
    items = raw if isinstance(raw, list) else [raw]
    if not all(type(item) in (int, str) for item in items) or raw in ("", []):
        return raw
    try:
        asked(raw)  # type: ignore[arg-type]
    except ValueError as error:
        raise Mistake(*error.args) from None
    plain = [int(str(item)) if re.fullmatch(r"\s*[0-9]+\s*", str(item)) else item for item in items]
    return plain if isinstance(raw, list) else plain[0]


def _texts(item: object) -> list[str]:
    if isinstance(item, Entry):
        return [text for text in (item.path, item.name, item.split, item.revision) if text is not None]
    return [item] if isinstance(item, str) else []


def _bounded(field: Field, value: float) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Mistake(f"{value} is not a finite number", f"Write {_example(field)}.")
    low, high = field.low, field.high
    if (low is not None and value < low) or (high is not None and value > high):
        given = f"{value:,.12g}" if abs(value) < 1e300 else "a number of hundreds of digits"
        unit = f" {field.unit}" if field.unit else ""
        raise Mistake(f"{given} is out of bounds", f"It takes {field.bounds}{unit}.")


def _example(field: Field) -> str:
    if field.required:
        return f"{field.name}: " + ("path/to/model" if field.name == "model" else "rows.jsonl")
    default = field.default
    value = "[one, two]" if isinstance(default, list) else "name" if default is None else written(default)
    return f"for example {field.name}: {value}"


def _allows_none(kind: Any) -> bool:
    return type(None) in getattr(kind, "__args__", ())


def _allows_list(kind: Any) -> bool:
    return any(get_origin(each) is list for each in getattr(kind, "__args__", ()))


def _allows_entry(kind: Any) -> bool:
    return Entry in getattr(kind, "__args__", ())


def missing(values: dict[str, Any]) -> list[Field]:
    """Required fields that `values` leaves out."""
    return [field for field in FIELDS if field.required and field.name not in values]


def built(values: dict[str, Any]) -> Recipe:
    """The recipe that checked `values` make."""
    return Recipe(**values)
