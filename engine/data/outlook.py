"""What a recipe would come to: its rows counted and its steps, from the files alone and in a moment."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Final

import msgspec

from engine.data.refusal import Refusal
from engine.data.rows import TEXT_SUFFIXES, read_rows
from engine.data.shapes import shape_of
from engine.data.split import held_out
from engine.recipe.recipe import Recipe

_CLOCK_EVERY: Final = 256
"""Rows between two looks at the clock."""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of a run before anything is tokenised."""

    rows: int | None
    """Rows of the data, None for plain text: only a tokenizer knows its windows."""
    exact: bool
    """False where time ran out and `rows` is how far the counting came."""
    held: int
    """Rows of them that are held out for evaluation."""
    steps: int | None
    """Optimizer steps, None where the rows are not known."""
    shapes: tuple[str, ...]


def outlook(recipe: Recipe, seconds: float = 0.5) -> Outlook:
    """Count rows for at most about `seconds`; the recipe's paths must be absolute.

    Raises:
        Refusal: a file or row that cannot be read, with its place.
    """
    end = time.monotonic() + seconds
    rows, exact, shapes = 0, True, dict[str, None]()
    plain = any(Path(name).suffix.lower() in TEXT_SUFFIXES for name in recipe.data_files)
    for name in recipe.data_files:
        if Path(name).suffix.lower() in TEXT_SUFFIXES:
            shapes["text"] = None
            continue
        for count, row in enumerate(read_rows(Path(name))):
            if not count:
                shapes[shape_of(row, recipe.data_format)] = None
            rows += 1
            if count % _CLOCK_EVERY == 0 and time.monotonic() > end:
                exact = False
                break
    if not plain and exact and not rows:
        raise Refusal(
            "empty_or_tiny_dataset",
            "There are no rows to learn from.",
            where=", ".join(recipe.data_files),
            do="Name a file with rows.",
        )
    held = 0 if recipe.eval_files else held_out(rows, recipe.eval_split)
    return Outlook(
        rows=None if plain else rows,
        exact=exact,
        held=held,
        steps=_steps(recipe, None if plain or not exact else rows - held),
        shapes=tuple(shapes),
    )


def _steps(recipe: Recipe, rows: int | None) -> int | None:
    """As the training loop counts them on one device."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    if rows is None:
        return None
    return max(math.ceil(recipe.num_train_epochs * math.ceil(rows / recipe.batch_rows)), 1)
