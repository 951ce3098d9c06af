"""Changes to a recipe with which a run takes less memory."""

from __future__ import annotations

from typing import Final

from engine.findings import Patch
from engine.recipe.recipe import Recipe

_SHORTEST: Final = 64
"""Tokens: rows cut to less than this teach nothing."""


def halved(recipe: Recipe) -> Patch | None:
    """Half the rows in a micro-batch and as many in a step; with one row, what makes a row smaller."""
    return same_rows(recipe, recipe.per_device_train_batch_size // 2 * recipe.max_length) or smaller(recipe)


def smaller(recipe: Recipe, tokens: int = 0) -> Patch | None:
    """The cheapest change with which a row of `tokens` takes less memory, None where none is left."""
    if not recipe.gradient_checkpointing:
        return Patch(label="gradient_checkpointing on", recipe={"gradient_checkpointing": True})
    longest = min(tokens or recipe.max_length, recipe.max_length)
    half = longest // 2 // 8 * 8
    if half < _SHORTEST:
        return None
    return Patch(label=f"max_length {recipe.max_length:,} -> {half:,}", recipe={"max_length": half})


def same_rows(recipe: Recipe, budget: int) -> Patch | None:
    """Micro-batches of at most `budget` tokens with as many rows a step; None where none divides them."""
    rows = min(budget // recipe.max_length, recipe.per_device_train_batch_size)
    while rows > 1 and recipe.batch_rows % rows:
        rows -= 1
    if not 0 < rows < recipe.per_device_train_batch_size:
        return None
    change = {"per_device_train_batch_size": rows, "gradient_accumulation_steps": recipe.batch_rows // rows}
    label = f"per_device_train_batch_size {recipe.per_device_train_batch_size} -> {rows}, same rows a step"
    return Patch(label=label, recipe=change)
