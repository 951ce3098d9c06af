"""What a recipe would come to: its rows counted and its steps, from the files alone and in a moment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from engine.data.examples import Examples
from engine.data.read.rows import is_text, read_rows
from engine.data.refusal import Refusal
from engine.data.rejects import DROP, Rejects
from engine.data.split import held_out
from engine.recipe.recipe import Recipe
from engine.sources.mix import draws_of
from engine.sources.resolve import Source, Sources

_CLOCK_EVERY: Final = 256
"""Rows between two looks at the clock."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of some files."""

    rows: int | None
    """Rows that an epoch draws; None for plain text, of which only a tokenizer knows the windows."""
    repeats: int = 0
    """How many more it draws by drawing rows again, where an entry has a weight."""
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


def counted(sources: Sources, recipe: Recipe, seconds: float = 0.5) -> Counted:
    """Count rows for at most about `seconds`, as training would draw them.

    Raises:
        Refusal: a file or row that cannot be read, with its place.
    """
    count = _Count(sources, recipe, time.monotonic() + seconds)
    plain = any(is_text(source.path) for source in sources.files)
    for source in sources.files:
        count.add(source)
    count.rejects.judge()
    if not plain and count.exact and not count.rows:
        raise Refusal(
            "empty_or_tiny_dataset",
            "There are no rows to learn from.",
            where=", ".join(str(source.path) for source in sources.files),
            do="Name a file with rows.",
        )
    rows = None if plain else count.rows
    return Counted(rows=rows, repeats=count.repeats, exact=count.exact, shapes=tuple(count.shapes))


class _Count:
    """Rows counted so far."""

    def __init__(self, sources: Sources, recipe: Recipe, end: float) -> None:
        self.rows = self.repeats = 0
        self.exact = True
        self.shapes = dict[str, None]()
        self.rejects = Rejects(drop=recipe.bad_rows == DROP)
        self._recipe, self._end = recipe, end
        self._draws = draws_of(sources, recipe.seed)

    def add(self, source: Source) -> None:
        """Count the rows of one more file."""
        if is_text(source.path):
            self.shapes["text"] = None
            return
        examples = Examples(self._recipe.data_format, self._recipe.mapping, pairs=self._recipe.paired)
        draws = self._draws.get(source.entry)
        for number, made in enumerate(self._made(examples, source)):
            for _ in range(made):
                drawn = 1 if draws is None else next(draws)
                self.rows += drawn > 0
                self.repeats += max(drawn - 1, 0)
            if number % _CLOCK_EVERY == 0 and time.monotonic() > self._end:
                self.exact = False
                break
        if examples.shape is not None:
            self.shapes[examples.shape] = None

    def _made(self, examples: Examples, source: Source) -> Iterator[int]:
        """How many examples come of each row."""
        rows = read_rows(source.path, bad=self.rejects.bad)
        if self._recipe.bad_rows != DROP:
            yield from examples.counted(rows)
            return
        for row, example in examples.all(rows):
            if isinstance(example, Refusal):
                self.rejects.refuse(row, example)
                continue
            self.rejects.good += 1
            yield 1


def outlook(recipe: Recipe, found: Counted) -> Outlook:
    """What a run of `recipe` on these rows would come to, on one device."""
    rows = found.rows or 0
    held = 0 if recipe.eval_entries or not rows else held_out(rows, recipe.eval_split)
    known = found.rows is not None and found.exact
    # Rows that are held out are not drawn again either.
    repeats = round(found.repeats * (rows - held) / rows) if rows else 0
    return Outlook(
        rows=None if found.rows is None else rows + repeats,
        exact=found.exact,
        held=held,
        steps=_steps(recipe, rows - held + repeats if known else None),
        shapes=found.shapes,
    )


def _steps(recipe: Recipe, rows: int | None) -> int | None:
    """As the training loop counts them on one device."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    if rows is None:
        return None
    return max(math.ceil(recipe.num_train_epochs * math.ceil(rows / recipe.step_rows)), 1)
