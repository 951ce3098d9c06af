"""Finds a recipe field by its name, or by what was most likely meant."""

from __future__ import annotations

from typing import Final

from engine.nearest import nearest as near
from engine.recipe.field import Field, Level, Section
from engine.recipe.table import FIELDS

__all__ = ["FIELDS", "Field", "Level", "Section", "field_named", "nearest"]

_BY_NAME: Final = {field.name: field for field in FIELDS}


def field_named(name: str) -> Field | None:
    """The field called `name`, or None."""
    return _BY_NAME.get(name)


def nearest(name: str, names: tuple[str, ...] = tuple(_BY_NAME)) -> str | None:
    """The valid name that `name` was most likely meant to be, or None."""
    return near(name, names)
