"""The loss over label tokens, with logits computed only where there is a label."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from engine.train.batches.collate import Micro
from engine.train.kernels import cross_entropy

_AFTER_HEAD: Final = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
"""What configurations call that which is done to logits behind the head."""


class LabelledOnly:
    """Makes a causal language model compute logits at chosen positions only.

    A hook before the model's output layer passes on the chosen rows of the hidden states, so that
    (B, T, H) becomes (1, N, H) and the logits (1, N, V): nothing depends on the architecture, and the
    largest tensor of a step shrinks to what is learnt. Where the logits are the head's output and nothing
    else, the hook keeps the hidden states, and the loss is taken from them in chunks.

    Attributes:
        keep: positions in the flattened (B * T) to compute logits at; None for all.
        chunk: logits that the loss has at a time; None for as many as suit the device.
    """

    def __init__(self, head: nn.Module | None) -> None:
        self.keep: torch.Tensor | None = None
        self.chunk: int | None = None
        self._head = head
        self._direct = False
        self._takes = False
        self._hidden: torch.Tensor | None = None
        if head is not None:
            head.register_forward_pre_hook(self._select)

    def prove(self, model: PreTrainedModel) -> None:
        """Find out whether the logits of `model` are what its head gives, and nothing is done to them."""
        head = self._head
        if type(head) is not nn.Linear:
            return
        if isinstance(head.weight, FakeTensor):
            self._direct = not any(getattr(model.config, name, None) for name in _AFTER_HEAD)
            return
        ids = torch.arange(4, device=head.weight.device)[None] % head.weight.shape[0]
        was_training = model.training
        model.eval()
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits
            hidden = self._taken(model, input_ids=ids)
            self._direct = torch.equal(logits, head(hidden))
        model.train(was_training)

    def logits(self, model: nn.Module, micro: Micro) -> torch.Tensor:
        """(N, V) logits at the positions `micro.keep`."""
        self.keep = micro.keep
        try:
            out = model(**_inputs(micro)).logits
        finally:
            self.keep = None
        flat: torch.Tensor = out.reshape(-1, out.shape[-1])
        return flat if self._head is not None else flat.index_select(0, micro.keep)

    def losses(self, model: nn.Module, micro: Micro) -> torch.Tensor:
        """(N,) cross entropy in nats, in fp32, at the positions `micro.keep`."""
        head = self._head
        if not self._direct or not isinstance(head, nn.Linear) or isinstance(head.weight, DTensor):
            logits = self.logits(model, micro).float()
            return nn.functional.cross_entropy(logits, micro.targets, reduction="none")
        hidden = self._taken(model, **_inputs(micro))
        chosen = hidden.reshape(-1, hidden.shape[-1]).index_select(0, micro.keep)
        return cross_entropy.token_losses(chosen, head.weight, head.bias, micro.targets, self.chunk)

    def _taken(self, model: nn.Module, **inputs: Any) -> torch.Tensor:
        """The hidden states (B, T, H) that come to the head."""
        self._takes = True
        try:
            model(**inputs)
        finally:
            self._takes = False
        hidden, self._hidden = self._hidden, None
        assert hidden is not None
        return hidden

    def _select(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if self._takes:
            self._hidden = args[0]
            return (args[0][:, :0], *args[1:])
        if self.keep is None:
            return None
        hidden = args[0]
        chosen = hidden.reshape(-1, hidden.shape[-1]).index_select(0, self.keep).unsqueeze(0)
        return (chosen, *args[1:])


def token_losses(model: nn.Module, labelled: LabelledOnly, micro: Micro) -> torch.Tensor:
    """(N,) cross entropy of each label in nats, in fp32."""
    return labelled.losses(model, micro)


def summed_loss(model: nn.Module, labelled: LabelledOnly, micro: Micro) -> torch.Tensor:
    """Sum over the micro-batch's labels of the cross entropy in nats, in fp32; 0 without labels."""
    return labelled.losses(model, micro).sum()


def _inputs(micro: Micro) -> dict[str, Any]:
    found = {"input_ids": micro.ids, "attention_mask": micro.attention, "use_cache": False}
    return found if micro.positions is None else {**found, "position_ids": micro.positions}
