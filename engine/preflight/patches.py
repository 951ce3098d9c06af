"""Changes to a recipe that would mend it, and how they are said."""

from __future__ import annotations

from typing import Any

from engine.findings import Patch
from engine.recipe.edit import written
from engine.recipe.recipe import Recipe


def patch(recipe: Recipe, **values: Any) -> Patch:
    """Other values for some fields of `recipe`, with a label that says both."""
    said = [f"{name} {_said(getattr(recipe, name))} -> {_said(value)}" for name, value in values.items()]
    return Patch(label=", ".join(said), recipe=values)


def remedy(change: Patch) -> str:
    """The change as something to do."""
    return f"Set {' and '.join(f'{name}: {_said(value)}' for name, value in change.recipe.items())}."


def _said(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return "none" if value is None else written(value) if isinstance(value, (bool, float)) else str(value)
