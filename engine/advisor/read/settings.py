"""From a configuration of any trainer to settings by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_MOST: Final = 5_000
"""Settings; a configuration of a few hundred is a long one."""
_DEEPEST: Final = 40


def settings_of(said: Mapping[Any, Any]) -> dict[str, Any]:
    """Each setting by its lower-case key, and those inside others by their dotted way there as well.

    Where two of different depth have one key, the shallower is known by it alone.
    """
    found: dict[str, Any] = {}
    for _, (way, value) in zip(range(_MOST), _leaves(said, ()), strict=False):
        found[".".join(way)] = value
    for dotted, value in sorted(found.items(), key=lambda item: item[0].count(".")):
        found.setdefault(dotted.rpartition(".")[2], value)
    return found


def _leaves(said: Mapping[Any, Any], way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in said.items():
        here = (*way, str(key).strip().lower())
        if isinstance(value, Mapping) and len(here) < _DEEPEST:
            yield from _leaves(value, here)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value):
                inner = item if isinstance(item, Mapping) else {"": item}
                yield from _leaves(inner, (*here, str(number)))
        else:
            yield here, value
