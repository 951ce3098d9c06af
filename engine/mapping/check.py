"""Proves that what a person wrote is a mapping, and names the place of what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from engine.mapping.condition import Condition
from engine.mapping.mapping import Mapping
from engine.mapping.path import column_of
from engine.mapping.template import Misspelt, Template
from engine.nearest import nearest
from engine.text import one_line

FIELDS: Final = tuple(info.name for info in msgspec.structs.fields(Mapping))
ROLES: Final = ("user", "assistant", "system", "tool", "skip")
TEMPLATES: Final = ("question", "answer", "prompt", "completion", "text", "system", "content")
_STRIPS: Final = ("html", "quoted_replies", "signatures")
_MOST: Final = 1000
"""Entries of a list or an object in a mapping."""
_LONGEST: Final = 1 << 16
_EXAMPLE: Final = 'Write it as mapping: {question: "{title}", answer: "{body}"}.'


class Misfit(Exception):
    """What is wrong with a mapping.

    Args:
        at: the field's path, such as `filter.1` or `roles.agent`; empty for the whole.
        why: what is wrong there.
        do: what to write instead.
    """

    def __init__(self, at: str, why: str, do: str = "") -> None:
        super().__init__(why)
        self.at, self.why, self.do = at, why, do


def mapping_of(raw: object) -> Mapping:
    """`raw`, as it came from YAML or JSON, as a mapping.

    Raises:
        Misfit: with the field's path, and the nearest valid name.
    """
    if not isinstance(raw, dict):
        raise Misfit("", "it is no list of `name: value` lines", _EXAMPLE)
    for name in raw:
        if name not in FIELDS:
            near = nearest(str(name), FIELDS)
            do = f"Did you mean `{near}`?" if near else f"Its fields are: {', '.join(FIELDS)}."
            raise Misfit(one_line(str(name), 60), "a mapping has no such field", do)
    try:
        mapping = msgspec.convert({name: _worded(name, value) for name, value in raw.items()}, Mapping)
    except msgspec.ValidationError as error:
        why, _, at = str(error).partition(" - at `$")
        raise Misfit(at.rstrip("`").lstrip("."), one_line(why[:1].lower() + why[1:], 200), _EXAMPLE) from None
    except (OverflowError, ValueError, RecursionError):
        raise Misfit("", "it holds what no mapping does", _EXAMPLE) from None
    _sane(mapping)
    _together(mapping)
    return mapping


def paths(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Every path that the mapping names, with the field that names it."""
    for name in TEMPLATES:
        yield from ((name, path) for path in Template(getattr(mapping, name)).paths)
    for at, turn in enumerate(mapping.messages):
        yield from ((f"messages.{at}.content", path) for path in Template(turn.content).paths)
    for at, text in enumerate(mapping.conditions):
        yield from ((f"filter.{at}", path) for path in Condition(text).paths)
    yield from (("group_by", path) for path in mapping.keys)
    for name in ("each", "turns", "order_by", "role_column"):
        if path := getattr(mapping, name):
            yield name, path


def unknown_column(mapping: Mapping, columns: set[str]) -> Misfit | None:
    """What is wrong where the mapping names a column that is not among `columns`."""
    for at, path in paths(mapping):
        if column_of(path, columns) is None:
            near = nearest(path, columns)
            listed = ", ".join(one_line(name, 40) for name in sorted(columns)[:12]) or "none"
            do = f"Did you mean `{one_line(near, 60)}`?" if near else f"The columns are: {listed}."
            return Misfit(at, f"there is no column {one_line(path, 60)}", do)
    return None


def _worded(name: str, value: object) -> object:
    """Numbers as the texts that they stand for, where names of classes or roles are given."""
    if name in ("labels", "roles") and isinstance(value, dict):
        return {_text(key): _text(item) for key, item in value.items()}
    if name == "labels" and isinstance(value, list):
        return [_text(item) for item in value]
    if name == "strip" and isinstance(value, str):
        return [value]
    return value


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) and abs(value) < 10**9 else value


def _sane(mapping: Mapping) -> None:
    """Refuse what cannot be understood or is larger than anyone writes."""
    for name in FIELDS:
        value = getattr(mapping, name)
        if isinstance(value, list | dict) and len(value) > _MOST:
            raise Misfit(name, f"it has more than {_MOST:,} entries")
        for text in _texts(value):
            if len(text) > _LONGEST or "\0" in text:
                raise Misfit(name, f"it is longer than {_LONGEST:,} characters, or holds a null character")
            try:
                text.encode()
            except UnicodeEncodeError:
                raise Misfit(name, "it holds half of a character") from None
    for name in TEMPLATES:
        _tried(name, lambda name=name: Template(getattr(mapping, name)))
    for at, turn in enumerate(mapping.messages):
        _tried(f"messages.{at}.content", lambda turn=turn: Template(turn.content))
        _role(f"messages.{at}.role", turn.role)
    for at, text in enumerate(mapping.conditions):
        where = "filter" if isinstance(mapping.filter, str) else f"filter.{at}"
        _tried(where, lambda text=text: Condition(text))
    for value, role in mapping.roles.items():
        _role(f"roles.{value}", role)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            yield from value
            yield from value.values()


def _tried(at: str, make: Any) -> None:
    try:
        make()
    except Misspelt as error:
        raise Misfit(at, f"{error}".rstrip(".")) from None


def _role(at: str, role: str) -> None:
    if role not in ROLES:
        near = nearest(role, ROLES)
        do = f"Did you mean {near}?" if near else f"Use one of: {', '.join(ROLES)}."
        raise Misfit(at, f"{one_line(role, 40)} is no role", do)


def _together(mapping: Mapping) -> None:
    """Refuse fields that do not go together: one would be silently without effect."""
    made = [name for name in ("text", "prompt", "question", "messages", "content") if getattr(mapping, name)]
    if len(made) > 1:
        raise Misfit(made[1], f"it does not go together with `{made[0]}`", "Compose rows in one way.")
    for one, other in (("question", "answer"), ("prompt", "completion")):
        if bool(getattr(mapping, one)) != bool(getattr(mapping, other)):
            missing = other if getattr(mapping, one) else one
            raise Misfit(missing, f"it is missing, and `{one if missing == other else other}` needs it")
    turned = bool(mapping.keys or mapping.turns)
    if mapping.keys and (mapping.turns or mapping.each):
        name = "turns" if mapping.turns else "each"
        raise Misfit(name, "it does not go together with `group_by`", "Keep one of them.")
    if turned and not mapping.content:
        raise Misfit("content", "it is missing: what is said in a turn", 'For example content: "{message}".')
    for name in ("content", "role_column", "roles"):
        if getattr(mapping, name) and not turned:
            raise Misfit(name, "it needs `group_by` or `turns`", "Say what the turns of a conversation are.")
    if mapping.order_by and not mapping.keys:
        raise Misfit("order_by", "it needs `group_by`", "Say which rows make a conversation.")
    if mapping.roles and not mapping.role_column:
        raise Misfit("roles", "it needs `role_column`", "Say which column names the speaker.")
    if mapping.each and not mapping.composes:
        raise Misfit("each", "nothing is composed of its items", _EXAMPLE)
    if mapping.system and not mapping.composes:
        raise Misfit("system", "it needs `question` and `answer`, `messages` or turns", _EXAMPLE)
    if mapping.system and mapping.text:
        raise Misfit("system", "it does not go together with `text`", "A text has no turns.")
    if mapping.messages and all(turn.role != "assistant" for turn in mapping.messages):
        raise Misfit("messages", "no turn is the assistant's: nothing would be learnt")
