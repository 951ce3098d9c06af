"""The loss over label tokens, with logits computed only where there is a label."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from engine.train.batches.collate import Micro


class LabelledOnly:
    """Makes a causal language model compute logits at chosen positions only.

    A hook before the model's output layer passes on the chosen rows of the hidden states, so that
    (B, T, H) becomes (1, N, H) and the logits (1, N, V): nothing depends on the architecture, and the
    largest tensor of a step shrinks to what is learnt.
    """

    def __init__(self, head: nn.Module | None) -> None:
        self.keep: torch.Tensor | None = None
        self._hooked = head is not None
        if head is not None:
            head.register_forward_pre_hook(self._select)

    def logits(self, model: nn.Module, micro: Micro) -> torch.Tensor:
        """(N, V) logits at the positions `micro.keep`."""
        self.keep = micro.keep
        try:
            out = model(
                input_ids=micro.ids,
                attention_mask=micro.attention,
                use_cache=False,
                **({} if micro.positions is None else {"position_ids": micro.positions}),
            ).logits
        finally:
            self.keep = None
        flat: torch.Tensor = out.reshape(-1, out.shape[-1])
        return flat if self._hooked else flat.index_select(0, micro.keep)

    def _select(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if self.keep is None:
            return None
        hidden = args[0]
        chosen = hidden.reshape(-1, hidden.shape[-1]).index_select(0, self.keep).unsqueeze(0)
        return (chosen, *args[1:])


def token_losses(model: nn.Module, labelled: LabelledOnly, micro: Micro) -> torch.Tensor:
    """(N,) cross entropy of each label in nats, in fp32."""
    logits = labelled.logits(model, micro).float()
    return nn.functional.cross_entropy(logits, micro.targets, reduction="none")


def summed_loss(model: nn.Module, labelled: LabelledOnly, micro: Micro) -> torch.Tensor:
    """Sum over the micro-batch's labels of the cross entropy in nats, in fp32; 0 without labels."""
    logits = labelled.logits(model, micro).float()
    return nn.functional.cross_entropy(logits, micro.targets, reduction="sum")
