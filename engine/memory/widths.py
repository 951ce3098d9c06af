"""How wide the numbers of a run are."""

from __future__ import annotations

from typing import NamedTuple

from engine.recipe.recipe import Recipe


class Widths(NamedTuple):
    """Bytes of a number."""

    weights: int
    """Of the frozen weights."""
    compute: int
    """Of what the matrix products take and give."""


def widths(recipe: Recipe, *, cuda: bool) -> Widths:
    """As training has them: 16 bits for weights on a card alone, and there by default."""
    narrow = recipe.mixed_precision in ("bf16", "fp16") or (recipe.mixed_precision == "auto" and cuda)
    compute = 2 if narrow else 4
    return Widths(compute if cuda else 4, compute)
