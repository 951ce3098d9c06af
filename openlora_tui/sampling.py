"""How answers are drawn, as a table: it makes the options of `openlora chat` and the app's dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from engine.chat.spoken import Sampling
from engine.problem import Problem


@dataclass(frozen=True, slots=True)
class Option:
    """One field of `Sampling`; the bounds belong to it."""

    name: str
    kind: type[int] | type[float]
    low: float
    high: float
    help: str

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        return f"{self.low:g} to {self.high:g}" if self.high < 1 << 20 else f"at least {self.low:g}"


OPTIONS: Final = (
    Option("temperature", float, 0, 10, "0 takes the likeliest token each time"),
    Option("top_p", float, 1e-3, 1, "draw from the likeliest tokens that hold this share"),
    Option("top_k", int, 0, 1 << 20, "draw from so many of the likeliest tokens; 0 from all"),
    Option("repetition_penalty", float, 0.1, 10, "above 1 makes what was said less likely"),
    Option("max_new_tokens", int, 1, 1 << 20, "the longest answer"),
    Option("seed", int, 0, (1 << 63) - 1, "the same seed draws the same answer"),
)
BY_NAME: Final = {option.name: option for option in OPTIONS}


def changed(sampling: Sampling, typed: Mapping[str, str]) -> Sampling:
    """`sampling` with the values that a person typed.

    Raises:
        Problem: a value is no number or out of bounds.
    """
    return msgspec.structs.replace(sampling, **{name: _value(BY_NAME[name], t) for name, t in typed.items()})


def _value(option: Option, text: str) -> float:
    try:
        value = option.kind(text.strip())
    except ValueError:
        value = None
    if value is None or not option.low <= value <= option.high:
        raise Problem(
            f"{option.name} cannot be {text.strip() or 'empty'}.",
            where=option.name,
            why=f"It is a {'whole ' if option.kind is int else ''}number, {option.bounds}.",
        )
    return value
