"""How rows become tensors on the device."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import torch

from engine.data.dataset import Dataset


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
