"""Which rows make a step."""

from __future__ import annotations

import math

import msgspec
import torch


class Position(msgspec.Struct, frozen=True):
    """How far the rows have been taken, whatever the batch size: epochs done and rows of the next one."""

    epoch: int = 0
    seen: int = 0


class Feed:
    """Rows in random order: each epoch is a permutation of all rows drawn from `seed + epoch`.

    The last batch of an epoch is what is left of it, as in transformers with `drop_last=False`.
    """

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        self.rows = rows
        self.batch = batch
        self._seed = seed
        self._epoch = -1
        self._order: list[int] = []

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the partial last one counted."""
        return math.ceil(self.rows / self.batch)

    def steps_left(self, at: Position, steps: int) -> int:
        """Batches from `at` to where `steps` of them end that began at the first row, this size all along."""
        left_of_epoch = math.ceil((self.rows - at.seen) / self.batch)
        return max(steps - (at.epoch + 1) * self.steps_per_epoch + left_of_epoch, 0)

    def take(self, at: Position) -> tuple[list[int], Position]:
        """The rows of the batch that begins `at`, and where the next one begins."""
        if at.epoch != self._epoch:
            generator = torch.Generator().manual_seed(self._seed + at.epoch)
            self._order = torch.randperm(self.rows, generator=generator).tolist()
            self._epoch = at.epoch
        end = min(at.seen + self.batch, self.rows)
        after = Position(at.epoch, end) if end < self.rows else Position(at.epoch + 1, 0)
        return self._order[at.seen : end], after


def planned_steps(feed: Feed, epochs: float, max_steps: int) -> int:
    """Optimizer steps of the run, as transformers counts them: `max_steps` if positive, else by epochs."""
    return max_steps if max_steps > 0 else max(math.ceil(epochs * feed.steps_per_epoch), 1)
