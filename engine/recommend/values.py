"""What a recommendation is made of."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from engine.findings import Finding
from engine.recipe.fields import FIELDS, field_named
from engine.recipe.recipe import Recipe

Source = Literal["your choice", "your runs", "data", "memory", "published", "default"]

_ORDER: Final = {field.name: place for place, field in enumerate(FIELDS)}


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One recommended value."""

    field: str
    value: Any
    reason: str
    """Why, in a sentence or two."""
    source: Source
    """What decided it in the end."""
    confidence: float
    """From 0 to 1."""
    cites: list[str] = []
    """Publications behind it."""
    runs: list[str] = []
    """Past runs behind it."""


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe, and why it is what it is."""

    recipe: Recipe
    """The whole recipe, its paths absolute."""
    values: list[Value]
    """In the order of the recipe's fields."""
    findings: list[Finding] = []
    """What to do about the data, and what past runs warn of."""
    facts: list[str] = []
    """What the run would be, a line each."""
    notes: list[str] = []
    """What could not be taken into account, and why."""
    peak_bytes: int | None = None
    """Memory that the run takes by the formula; None where nothing is known of the model."""
    memory_bytes: int | None = None
    runs: int = 0
    """Past runs that were taken into account."""
    expected_gain: float = 0.0
    """By how much further, as a share, the held-out loss is expected to fall than with the first guess."""

    def document(self) -> dict[str, Any]:
        """What `openlora recommend --json` prints."""
        values = []
        for value in self.values:
            field = field_named(value.field)
            assert field is not None
            values.append({**msgspec.to_builtins(value), "default": field.default})
        return {
            "values": values,
            "recipe": {value.field: value.value for value in self.values},
            "findings": self.findings,
            "facts": self.facts,
            "notes": self.notes,
            "peak_bytes": self.peak_bytes,
            "memory_bytes": self.memory_bytes,
            "runs": self.runs,
            "expected_gain": round(self.expected_gain, 4),
        }


class Plan:
    """A recommendation while it is made: later words on a field take the place of earlier ones.

    Args:
        recipe: what is there already, its paths absolute.
        kept: fields that a person has decided; nothing here changes them.
    """

    def __init__(self, recipe: Recipe, kept: frozenset[str] = frozenset()) -> None:
        self.recipe = recipe
        self.kept = kept
        self.values = {
            name: Value(
                field=name,
                value=getattr(recipe, name),
                reason="You chose it.",
                source="your choice",
                confidence=1.0,
            )
            for name in kept
        }

    def put(self, *values: Value | None) -> None:
        """Take these values, where the person has not decided otherwise."""
        for value in values:
            if value is not None and value.field not in self.kept:
                self.values[value.field] = value
                self.recipe = replace(self.recipe, **{value.field: value.value})

    def free(self, *names: str) -> bool:
        """True where none of the fields is decided."""
        return self.kept.isdisjoint(names)

    def told(self) -> list[Value]:
        """The values in the order of the recipe's fields."""
        return sorted(self.values.values(), key=lambda value: _ORDER[value.field])
