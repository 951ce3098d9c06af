"""What to change in a recipe for which the memory does not suffice."""

from __future__ import annotations

from typing import Final

from engine.data.refusal import Refusal
from engine.findings import Category
from engine.memory.relief import smaller
from engine.recipe.recipe import Recipe

AWAY: Final = frozenset({"evaluating", "sampling", "saving"})
"""Phases beside the steps, in which memory that ran out says nothing about the training batch."""


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
