"""How rows become tensors on the device: padded to the longest, or end to end where the model can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec
import torch

from engine.data.dataset import Dataset
from engine.train.batches import cut
from engine.train.kernels.packed_attention import lengths_for


class Micro(msgspec.Struct, frozen=True):
    """A micro-batch on the device: B sequences of T tokens, with N labels in all.

    A row is one sequence, or a pair of them, the chosen one first. They are padded on the right, or lie end
    to end in a single one (B = 1).
    """

    ids: torch.Tensor
    """(B, T), int64."""
    attention: torch.Tensor | None
    """(B, T), 1 on real tokens; the lengths of rows end to end; None where no row is padded."""
    keep: torch.Tensor
    """(N,): positions in the flattened (B * T) whose next token is learnt."""
    targets: torch.Tensor
    """(N,): those next tokens."""
    positions: torch.Tensor | None = None
    """(1, T): where each token stands in its own row; None where rows are padded."""
    reference: torch.Tensor | None = None
    """(sequences,): log-probability in nats of their labels under the reference policy, if it is known."""
    sequence: torch.Tensor | None = None
    """(N,): which sequence each label belongs to, where rows are pairs."""
    sequences: int = 0
    """How many there are, wherever they lie in `ids`."""


class Layout(NamedTuple):
    """How rows are cut into micro-batches, and how they lie in one."""

    row: Callable[[Dataset, int], int]
    """Tokens that a row takes."""
    cut: Callable[[Sequence[int], Callable[[int], int], int], list[list[int]]]
    lay: Callable[[list[torch.Tensor], int], tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]]
    """Of the rows' tokens: ids (B, T), attention, positions."""
    size: Callable[[Sequence[int]], int]
    """Of the rows' lengths: tokens of the micro-batch."""


def _pad(rows: list[torch.Tensor], pad: int) -> tuple[torch.Tensor, torch.Tensor | None, None]:
    ids = torch.nn.utils.rnn.pad_sequence([row.long() for row in rows], batch_first=True, padding_value=pad)
    lengths = torch.tensor([len(row) for row in rows])
    ragged = int(lengths.min()) < ids.shape[1]
    return ids, (torch.arange(ids.shape[1]) < lengths[:, None]).long() if ragged else None, None


def _join(rows: list[torch.Tensor], _: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    positions = torch.cat([torch.arange(len(row)) for row in rows])
    return torch.cat(rows).long()[None], lengths_for([len(row) for row in rows]), positions[None]


PADDED: Final = Layout(Dataset.size, cut.padded, _pad, lambda lengths: len(lengths) * max(lengths))
PACKED: Final = Layout(Dataset.length, cut.packed, _join, sum)


class Collator:
    """Makes micro-batches of a dataset's rows, without a copy of the dataset."""

    def __init__(self, data: Dataset, pad: int, device: torch.device, layout: Layout = PADDED) -> None:
        self.data = data
        self._ids = torch.frombuffer(data.rows.ids, dtype=torch.int32)
        self._mask = torch.frombuffer(data.rows.mask, dtype=torch.uint8)
        self._pad = pad
        self._device = device
        self._layout = layout
        self.reference: torch.Tensor | None = None
        """(rows of the store, 2), fp32 on the CPU: what `Micro.reference` is taken from."""

    def cut(self, rows: Sequence[int], budget: int) -> list[list[int]]:
        """`rows` in micro-batches of at most `budget` tokens; a row longer than that stands alone."""
        return self._layout.cut(rows, partial(self._layout.row, self.data), budget)

    def tokens(self, rows: Sequence[int]) -> int:
        """Tokens of the micro-batch of `rows`, padding counted."""
        spans = [span for row in rows for span in self.data.sequences(row)]
        return self._layout.size([end - begin for begin, end in spans])

    def micro(self, rows: Sequence[int], *, labels: bool = True) -> Micro:
        """The micro-batch of `rows`; without `labels` it teaches nothing, but has its place in a step."""
        spans = [span for row in rows for span in self.data.sequences(row)]
        ids, attention, positions = self._layout.lay([self._ids[a:b] for a, b in spans], self._pad)
        learnt = self._layout.lay([self._learnt(*span) for span in spans], 0)[0].reshape(-1)
        after = learnt.nonzero().reshape(-1) if labels else torch.empty(0, dtype=torch.int64)
        packed = positions is not None
        return Micro(
            ids=self._moved(ids),
            # Lengths are read on the host, layer by layer.
            attention=attention if attention is None or packed else self._moved(attention),
            keep=self._moved(after - 1),
            targets=self._moved(ids.reshape(-1)[after]),
            positions=self._moved(positions) if positions is not None else None,
            sequence=self._owners(spans, labels=labels),
            sequences=len(spans),
            reference=None if self.reference is None else self._moved(self._known(self.reference, rows)),
        )

    def _learnt(self, begin: int, end: int) -> torch.Tensor:
        """The label mask of a row; its first token follows from nothing."""
        mask = self._mask[begin:end].clone()
        mask[0] = 0
        return mask

    def _owners(self, spans: Sequence[tuple[int, int]], *, labels: bool) -> torch.Tensor | None:
        """The sequence of each label, in the order in which they lie."""
        if not self.data.rows.parted:
            return None
        counts = [int(self._mask[begin + 1 : end].sum()) if labels else 0 for begin, end in spans]
        return self._moved(torch.arange(len(spans)).repeat_interleave(torch.tensor(counts)))

    def _known(self, reference: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        return reference[[self.data.index[row] for row in rows]].reshape(-1)

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        if self._device.type != "cuda":
            return tensor.to(self._device)
        return tensor.pin_memory().to(self._device, non_blocking=True)
