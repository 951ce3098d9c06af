"""JSON decoded as fast as may be, in which no name stands twice in an object and nothing nests too deeply."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

DEPTH: Final = 128
"""Lists and objects in one another; trees of replies, the deepest that data sets have, come to some 40."""
BROKEN: Final = (ValueError, RecursionError)
"""What the decoders raise."""
_BLANK_COLONS: Final = (" :", "\t:", "\n:", "\r:")
_FAST: Final = msgspec.json.Decoder()


class Twice(ValueError):
    """An object has two values under one name."""


class TooDeep(ValueError):
    """Lists and objects are nested beyond `DEPTH`."""


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Twice(next(name for name in names if names.count(name) > 1))
    return found


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_unambiguous)
PLAIN: Final = json.JSONDecoder()
"""Takes the last of several values under one name; `prove` has to be asked."""


def decoded(text: str) -> Any:
    """The value that `text` is, without blanks around it.

    Raises:
        ValueError, RecursionError: it is none; one of them `Twice`, `TooDeep` or `json.JSONDecodeError`.
    """
    try:
        value = _FAST.decode(text)
    except (msgspec.MsgspecError, *BROKEN):
        # It knows no NaN and no half characters, and its words are fewer.
        value = _STRICT.decode(text)
    prove(value, text, 0, len(text))
    return value


def prove(value: object, text: str, begin: int, end: int) -> None:
    """Refuse a value, decoded from that part of `text`, that is ambiguous or too deep.

    Raises:
        Twice, TooDeep: it is.
    """
    if text.count("[", begin, end) + text.count("{", begin, end) > DEPTH and _is_too_deep(value):
        raise TooDeep
    # Each name is followed by its colon at once, so the colons behind quotes tell whether one is missing.
    blank = any(text.find(colon, begin, end) >= 0 for colon in _BLANK_COLONS)
    if blank or text.count('":', begin, end) != _names(value):
        _STRICT.decode(text[begin:end])


def _names(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_names(item) for item in value.values() if isinstance(item, (dict, list)))
    if isinstance(value, list):
        return sum(_names(item) for item in value if isinstance(item, (dict, list)))
    return 0


def _is_too_deep(value: object) -> bool:
    level, depth = [value], 0
    while level and depth < DEPTH:
        level = [item for holder in level for item in _inside(holder) if isinstance(item, (dict, list))]
        depth += 1
    return bool(level)


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
