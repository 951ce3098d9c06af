"""What to change in a recipe for which the memory does not suffice."""

from __future__ import annotations

from typing import Final

from engine.data.refusal import Refusal
from engine.findings import Category, Patch
from engine.recipe.recipe import Recipe

AWAY: Final = frozenset({"evaluating", "sampling", "saving"})
"""Phases beside the steps, in which memory that ran out says nothing about the training batch."""
_SHORTEST: Final = 64
"""Tokens: rows cut to less than this teach nothing."""


def lacking(recipe: Recipe, doing: str, said: str, tried: str = "", tokens: int = 0) -> Refusal:
    """The end of a run for which there was too little memory while it was `doing` something.

    Args:
        said: the allocator's words.
        tried: what was done about it before, a sentence.
        tokens: length of the row that did not fit, 0 where it was not about a row.
    """
    patch = None if doing in ("saving", "loading model") else smaller(recipe, tokens)
    if patch is not None:
        do = f"Try: {patch.label}. Or use a device with more memory."
    elif doing == "saving":
        do = "End other programs on this machine, then resume the run."
    else:
        do = "End what else uses the device, choose a smaller model, or a device with more memory."
    return Refusal(
        category_of(doing),
        f"The memory ran out while {doing}.",
        where=doing,
        why=" ".join(part for part in (said, tried) if part),
        do=do,
        patch=patch,
    )


def category_of(doing: str) -> Category:
    """`oom`, or what it is called beside the steps."""
    return "oom_at_checkpoint_or_eval" if doing in AWAY else "oom"


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
