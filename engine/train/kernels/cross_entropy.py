"""Cross entropy from hidden states, of which only a few megabytes of logits exist at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.memory.formula import CHUNK


def token_losses(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    chunk: int | None = None,
) -> torch.Tensor:
    """(N,) cross entropy in nats, in fp32, of `hidden` (N, H) through a head of `weight` (V, H).

    Where the head is frozen, the gradient of each chunk's hidden states is taken while its logits are
    there, so that they are computed once and never kept. `chunk` is how many logits are there at a time, by
    default as many as suit the device.
    """
    logits = CHUNK[weight.device.type != "cpu"] if chunk is None else chunk
    rows = max(logits // weight.shape[0], 1)
    if not torch.is_grad_enabled() or not (weight.requires_grad or _trains(bias)):
        found: torch.Tensor = _FrozenHead.apply(hidden, weight, bias, targets, rows)  # type: ignore[no-untyped-call]
        return found
    pieces = zip(*(torch.split(t, rows) for t in (hidden, targets)), strict=True)
    losses = [checkpoint(_plain, h, weight, bias, t, use_reentrant=False) for h, t in pieces]
    return torch.cat(losses) if losses else hidden.new_zeros(0, dtype=torch.float32)


def _plain(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
) -> torch.Tensor:
    logits = nn.functional.linear(hidden, weight, bias).float()
    return nn.functional.cross_entropy(logits, targets, reduction="none")


def _trains(bias: torch.Tensor | None) -> bool:
    return bias is not None and bias.requires_grad


class _FrozenHead(torch.autograd.Function):
    """With e = exp(logits - max) and s its sum, the gradient of hidden is (e @ W) / s less W[target]."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        rows: int,
    ) -> torch.Tensor:
        losses = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for at in range(0, len(targets), rows):
            here = slice(at, at + rows)
            into = None if slopes is None else slopes[here]
            losses[here] = _chunk(hidden[here], weight, bias, targets[here, None], into)
        if slopes is not None:
            ctx.save_for_backward(slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0][:, None].to(slopes.dtype), None, None, None, None


def _chunk(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    target: torch.Tensor,
    slopes: torch.Tensor | None,
) -> torch.Tensor:
    """Losses of some rows, and into `slopes` their gradients; a function, so that no two chunks are alive."""
    logits = nn.functional.linear(hidden, weight, bias).float()
    wanted = logits.gather(1, target)
    highest = logits.amax(1, keepdim=True)
    chances = logits.sub_(highest).exp_()
    total = chances.sum(1, keepdim=True)
    if slopes is not None:
        slope = (chances.to(weight.dtype) @ weight).float() / total
        slopes.copy_(slope - weight[target[:, 0]])
    return (highest + total.log() - wanted)[:, 0]
