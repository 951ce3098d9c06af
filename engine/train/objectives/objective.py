"""What a run learns: how rows become a loss, and what is told of them beside it.

The loop, the cut into micro-batches, the ranks and the checkpoints know an objective by this protocol alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import nn

from engine.data.dataset import Dataset
from engine.train.batches.collate import Micro
from engine.train.objectives.loss import LabelledOnly


class Summed(NamedTuple):
    """What a micro-batch comes to, summed over its rows; the divisor of the whole step makes means of it."""

    loss: torch.Tensor
    """Scalar in fp32, with its gradient."""
    figures: torch.Tensor
    """(K,) in fp32, without: one for each name of the objective's `figures`."""


class Objective(Protocol):
    """A loss over rows that is a sum over micro-batches, however they are cut.

    Attributes:
        figures: names of what is told beside the loss, each a mean over what the divisor counts.
        compares: true where losses are relative to the policy before the first step, so that
            `Micro.reference` has to be known.
    """

    figures: tuple[str, ...]
    compares: bool

    def divisor(self, data: Dataset, rows: Sequence[int]) -> int:
        """What the loss of `rows` is a mean over: their label tokens, or the rows."""

    def summed(self, model: nn.Module, labelled: LabelledOnly, micro: Micro) -> Summed:
        """Loss and figures of a micro-batch, not yet divided."""
