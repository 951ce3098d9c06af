"""What a recipe would come to: its rows counted and its steps, from the files alone and in a moment."""

from __future__ import annotations

import math
import time
from typing import Final

import msgspec

from engine.data.examples import Examples
from engine.data.read.rows import is_text, read_rows
from engine.data.refusal import Refusal
from engine.data.split import held_out
from engine.mapping.mapping import Mapping
from engine.recipe.recipe import Recipe
from engine.sources.resolve import Sources

_CLOCK_EVERY: Final = 256
"""Rows between two looks at the clock."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of some files."""

    rows: int | None
    """None for plain text: only a tokenizer knows its windows."""
    exact: bool
    """False where time ran out and `rows` is how far the counting came."""
    shapes: tuple[str, ...]


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of a run before anything is tokenised."""

    rows: int | None
    exact: bool
    held: int
    """Rows of them that are held out for evaluation."""
    steps: int | None
    """Optimizer steps, None where the rows are not known."""
    shapes: tuple[str, ...]


def counted(
    sources: Sources, data_format: str, seconds: float = 0.5, mapping: Mapping | None = None
) -> Counted:
    """Count rows for at most about `seconds`.

    Raises:
        Refusal: a file or row that cannot be read, with its place.
    """
    end = time.monotonic() + seconds
    rows, exact, shapes = 0, True, dict[str, None]()
    files = [source.path for source in sources.files]
    plain = any(map(is_text, files))
    for path in files:
        if is_text(path):
            shapes["text"] = None
            continue
        examples = Examples(data_format, mapping)
        for count, made in enumerate(examples.counted(read_rows(path))):
            rows += made
            if count % _CLOCK_EVERY == 0 and time.monotonic() > end:
                exact = False
                break
        if examples.shape is not None:
            shapes[examples.shape] = None
    if not plain and exact and not rows:
        raise Refusal(
            "empty_or_tiny_dataset",
            "There are no rows to learn from.",
            where=", ".join(map(str, files)),
            do="Name a file with rows.",
        )
    return Counted(rows=None if plain else rows, exact=exact, shapes=tuple(shapes))


def outlook(recipe: Recipe, found: Counted) -> Outlook:
    """What a run of `recipe` on these rows would come to, on one device."""
    held = 0 if recipe.eval_entries or not found.rows else held_out(found.rows, recipe.eval_split)
    known = found.rows is not None and found.exact
    return Outlook(
        rows=found.rows,
        exact=found.exact,
        held=held,
        steps=_steps(recipe, (found.rows or 0) - held if known else None),
        shapes=found.shapes,
    )


def _steps(recipe: Recipe, rows: int | None) -> int | None:
    """As the training loop counts them on one device."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    if rows is None:
        return None
    return max(math.ceil(recipe.num_train_epochs * math.ceil(rows / recipe.batch_rows)), 1)
