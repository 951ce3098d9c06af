"""Where a run has left its recipe: other rates, steps passed over. Kept beside the checkpoints.

A change counts from a step on, and is on the disk before that step: a worker that goes on from an older
checkpoint meets it where the one before it did, and comes to the same adapter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import msgspec

from engine import atomic
from engine.recipe.recipe import Recipe
from engine.train.batches.feed import Position

_NAME: Final = "course.json"


class Turn(msgspec.Struct):
    """Another peak learning rate, for the steps after `step`."""

    step: int
    rate: float


class Passed(msgspec.Struct, frozen=True):
    """Rows of an epoch, in the order in which they are drawn, that are passed over."""

    epoch: int
    begin: int
    end: int

    def meets(self, at: Position, rows: int) -> bool:
        """Whether the batch of `rows` rows that begins `at` has any of them."""
        return at.epoch == self.epoch and at.seen < self.end and at.seen + rows > self.begin


class Course(msgspec.Struct, kw_only=True):
    """What has been changed on the way."""

    learning_rate: float
    """The recipe's when this was written: one that a person sets at a resume stands above all turns."""
    on_divergence: str
    turns: list[Turn] = []
    passed: list[Passed] = []
    returns: int = 0
    """How often the run went back to a checkpoint."""

    @classmethod
    def read(cls, folder: Path, recipe: Recipe) -> Self:
        """That of the run whose checkpoints lie in `folder`; one without changes where there is none."""
        fresh = cls(learning_rate=recipe.learning_rate, on_divergence=recipe.on_divergence)
        try:
            found = msgspec.json.decode((folder / _NAME).read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError):
            return fresh
        if found.learning_rate != fresh.learning_rate:
            found.turns = []
        if (found.learning_rate, found.on_divergence) != (fresh.learning_rate, fresh.on_divergence):
            found.returns = 0
        found.learning_rate, found.on_divergence = fresh.learning_rate, fresh.on_divergence
        return found

    def write(self, folder: Path) -> None:
        """Put it on the disk, whole.

        Raises:
            OSError: the disk does not take it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write(folder / _NAME, msgspec.json.encode(self), 0o644)

    def peak(self, step: int) -> float:
        """The peak learning rate of `step`."""
        before = [turn.rate for turn in self.turns if turn.step < step]
        return before[-1] if before else self.learning_rate

    def factor(self, step: int) -> float:
        """By how much the rate of `step` differs from the recipe's."""
        return self.peak(step) / self.learning_rate if self.learning_rate else 1.0

    def turn(self, step: int, rate: float) -> None:
        """Have another peak rate from the step after `step` on."""
        self.turns = [*(turn for turn in self.turns if turn.step < step), Turn(step, rate)]

    def back_to(self, step: int) -> None:
        """The steps after `step` are done again; what was asked for in them counts from there on."""
        kept = [turn for turn in self.turns if turn.step <= step]
        if len(kept) < len(self.turns):
            kept.append(Turn(step, self.turns[-1].rate))
        self.turns = kept
        self.returns += 1

    def passes_over(self, at: Position, rows: int) -> bool:
        """Whether the batch that begins `at` is passed over."""
        return any(passed.meets(at, rows) for passed in self.passed)
