"""The next and the previous value of a recipe field, as a person usually varies it."""

from __future__ import annotations

from typing import Any, Final

from engine.recipe import Field

_FIRST: Final = 100
"""What a number that is off begins with, where its default is off too."""


def can_step(field: Field) -> bool:
    """True where there is a next value: numbers, choices, yes and no."""
    return bool(field.choices) or (isinstance(field.default, (int, float)) and not field.required)


def stepped(field: Field, value: Any, way: int) -> Any:
    """The value after (`way` 1) or before (-1): the next choice, a step on, or twice and half as much."""
    if field.choices:
        at = field.choices.index(value) if value in field.choices else -way
        return field.choices[(at + way) % len(field.choices)]
    if isinstance(field.default, bool):
        return not value
    new = value + way * field.step if field.step else _scaled(field, value, way)
    low, high = field.low or 0, field.high or 0
    new = min(max(new, low if field.low is not None else new), high if field.high is not None else new)
    return int(new) if isinstance(field.default, int) else float(f"{new:.10g}")


def _scaled(field: Field, value: Any, way: int) -> Any:
    if value <= 0:
        return (field.default if field.default > 0 else _FIRST) if way > 0 else value
    new = value * 2 if way > 0 else value / 2
    if isinstance(field.default, int) and new < 1:
        return field.low
    return new
