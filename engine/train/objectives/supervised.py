"""Learns what rows say: the mean cross entropy over their label tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from engine.data.dataset import Dataset
from engine.train.batches.collate import Micro
from engine.train.objectives.loss import LabelledOnly, summed_loss
from engine.train.objectives.objective import Summed


class Supervised:
    """Answers, or all of the text, as the labels of the rows say."""

    figures: tuple[str, ...] = ()
    compares = False

    def divisor(self, data: Dataset, rows: Sequence[int]) -> int:
        """Label tokens."""
        return sum(data.labels(row) for row in rows)

    def summed(self, model: nn.Module, labelled: LabelledOnly, micro: Micro) -> Summed:
        """Cross entropy in nats."""
        return Summed(summed_loss(model, labelled, micro), torch.empty(0, device=micro.ids.device))
