"""Which rows make a step, how they are cut into micro-batches, and how those become tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import torch

from engine.data.dataset import Dataset


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


def share(rows: Sequence[int], length: Callable[[int], int], rank: int, world: int) -> list[int]:
    """The rows of `rank`: every `world`-th by length, so that ranks have about equal work."""
    return sorted(rows, key=lambda row: (-length(row), row))[rank::world]


def cut(rows: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """`rows` in micro-batches of at most `budget` tokens with padding, the longest rows first.

    A row longer than the budget stands alone. How rows are cut changes neither loss nor gradient.
    """
    pieces: list[list[int]] = []
    for row in sorted(rows, key=lambda row: (-length(row), row)):
        if pieces and (len(pieces[-1]) + 1) * length(pieces[-1][0]) <= budget:
            pieces[-1].append(row)
        else:
            pieces.append([row])
    return pieces


class Micro(msgspec.Struct, frozen=True):
    """A micro-batch on the device: B rows padded on the right to T tokens, with N labels in all."""

    ids: torch.Tensor
    """(B, T), int64."""
    attention: torch.Tensor | None
    """(B, T), 1 on real tokens; None where no row is padded."""
    keep: torch.Tensor
    """(N,): positions in the flattened (B * T) whose next token is learnt."""
    targets: torch.Tensor
    """(N,): those next tokens."""


class Collator:
    """Makes micro-batches of a dataset's rows, without a copy of the dataset."""

    def __init__(self, data: Dataset, pad: int, device: torch.device) -> None:
        self._data = data
        self._ids = torch.frombuffer(data.rows.ids, dtype=torch.int32)
        self._mask = torch.frombuffer(data.rows.mask, dtype=torch.uint8)
        self._pad = pad
        self._device = device

    def micro(self, rows: Sequence[int], *, labels: bool = True) -> Micro:
        """The micro-batch of `rows`; without `labels` it teaches nothing, but has its place in a step."""
        spans = [self._data.span(row) for row in rows]
        longest = max(end - begin for begin, end in spans)
        ids = torch.full((len(rows), longest), self._pad, dtype=torch.int64)
        learnt = torch.zeros((len(rows), longest), dtype=torch.uint8)
        for at, (begin, end) in enumerate(spans):
            ids[at, : end - begin] = self._ids[begin:end]
            learnt[at, : end - begin] = self._mask[begin:end]
        ragged = any(end - begin < longest for begin, end in spans)
        lengths = torch.tensor([[end - begin] for begin, end in spans])
        attention = (torch.arange(longest) < lengths).long() if ragged else None
        learnt[:, 0] = 0
        after = learnt.reshape(-1).nonzero().reshape(-1) if labels else torch.empty(0, dtype=torch.int64)
        return Micro(
            ids=self._moved(ids),
            attention=None if attention is None else self._moved(attention),
            keep=self._moved(after - 1),
            targets=self._moved(ids.reshape(-1)[after]),
        )

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        if self._device.type != "cuda":
            return tensor.to(self._device)
        return tensor.pin_memory().to(self._device, non_blocking=True)
