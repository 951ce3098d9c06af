"""Learns which of two answers is better: DPO, against the policy before training, and ORPO, without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from engine.data.dataset import Dataset
from engine.train.batches.collate import Micro
from engine.train.objectives.loss import LabelledOnly, token_losses
from engine.train.objectives.objective import Summed

_CERTAIN: Final = -1e-6
"""A mean log-probability above it counts as this one: the odds of a certain answer are infinite."""


class Sides(NamedTuple):
    """The two answers of P pairs."""

    chosen: torch.Tensor
    """(P,) log-probability in nats of the whole answer."""
    rejected: torch.Tensor
    """(P,)."""
    lengths: torch.Tensor
    """(P, 2) label tokens of each, 1 where there are none."""


class Dpo:
    """Direct preference optimisation (arXiv 2305.18290), and its relatives by `loss_type`.

    With h = log p(chosen)/ref(chosen) - log p(rejected)/ref(rejected), the loss of a pair is
    -log sigmoid(beta h); for `hinge` max(0, 1 - beta h); for `ipo` (h - 1/(2 beta))^2, where each
    log-probability is a mean over tokens (arXiv 2310.12036, as in TRL).
    """

    figures: tuple[str, ...] = ("accuracy", "margin", "chosen_reward", "rejected_reward")
    compares = True

    def __init__(self, beta: float, loss_type: str) -> None:
        self._beta, self._type = beta, loss_type

    def divisor(self, data: Dataset, rows: Sequence[int]) -> int:
        """Pairs."""
        return len(rows)

    def summed(self, model: nn.Module, labelled: LabelledOnly, micro: Micro) -> Summed:
        """Losses of the pairs, and how much better than the reference the model likes each side.

        Raises:
            ValueError: the micro-batch does not know its reference.
        """
        if micro.reference is None:
            raise ValueError("the reference log-probabilities are not known")
        sides = sides_of(model, labelled, micro)
        reference = micro.reference.reshape(-1, 2)
        chosen, rejected = sides.chosen - reference[:, 0], sides.rejected - reference[:, 1]
        if self._type == "ipo":
            means = chosen / sides.lengths[:, 0] - rejected / sides.lengths[:, 1]
            losses = (means - 1 / (2 * self._beta)) ** 2
        elif self._type == "hinge":
            losses = torch.relu(1 - self._beta * (chosen - rejected))
        else:
            losses = -logsigmoid(self._beta * (chosen - rejected))
        return Summed(losses.sum(), _rewards(self._beta * chosen, self._beta * rejected))


class Orpo:
    """Odds-ratio preference optimisation (arXiv 2403.07691).

    With l the mean log-probability of a token of an answer, and odds = exp(l) / (1 - exp(l)), the loss of a
    pair is -l(chosen) - beta log sigmoid(log odds(chosen) - log odds(rejected)). Both terms are means over
    pairs, as in the paper, so that they do not depend on how a step is cut.
    """

    figures: tuple[str, ...] = ("accuracy", "margin", "chosen_reward", "rejected_reward", "answer_loss")
    compares = False

    def __init__(self, beta: float) -> None:
        self._beta = beta

    def divisor(self, data: Dataset, rows: Sequence[int]) -> int:
        """Pairs."""
        return len(rows)

    def summed(self, model: nn.Module, labelled: LabelledOnly, micro: Micro) -> Summed:
        """Losses of the pairs, and how much the model likes each side."""
        sides = sides_of(model, labelled, micro)
        chosen, rejected = sides.chosen / sides.lengths[:, 0], sides.rejected / sides.lengths[:, 1]
        losses = -chosen - self._beta * logsigmoid(_log_odds(chosen) - _log_odds(rejected))
        told = _rewards(self._beta * chosen, self._beta * rejected)
        return Summed(losses.sum(), torch.cat([told, -chosen.detach().sum()[None]]))


def sides_of(model: nn.Module, labelled: LabelledOnly, micro: Micro) -> Sides:
    """How probable the model holds each answer of the micro-batch's pairs; ValueError if they are none."""
    if micro.sequence is None:
        raise ValueError("the rows are no pairs")
    losses = token_losses(model, labelled, micro)
    zeros = losses.new_zeros(micro.sequences)
    both = zeros.index_add(0, micro.sequence, -losses).reshape(-1, 2)
    lengths = zeros.index_add(0, micro.sequence, torch.ones_like(losses)).reshape(-1, 2)
    return Sides(both[:, 0], both[:, 1], lengths.detach().clamp(min=1))


def _log_odds(mean: torch.Tensor) -> torch.Tensor:
    """log(p / (1 - p)) of p = exp(mean)."""
    mean = mean.clamp(max=_CERTAIN)
    return mean - torch.log(-torch.expm1(mean))


def _rewards(chosen: torch.Tensor, rejected: torch.Tensor) -> torch.Tensor:
    """(4,) sums over pairs: where the chosen reward is the larger, their difference, and each of them."""
    chosen, rejected = chosen.detach(), rejected.detach()
    right = (chosen > rejected).float()
    return torch.stack([right, chosen - rejected, chosen, rejected]).sum(dim=1)
