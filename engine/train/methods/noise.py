"""NEFTune: noise on the embeddings while the model learns (arXiv 2310.05914)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel


def add_noise(model: nn.Module, base: PreTrainedModel, alpha: float) -> None:
    """From now on, and only in training, add uniform noise of alpha / root of (tokens x width) to embeddings.

    The tokens are those of each row, padding aside, as in the paper's own code. `model` is the one that is
    given the rows: prompt tuning takes embeddings before `base` hears of them.
    """
    seen: list[torch.Tensor | None] = [None]

    def remember(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        seen[0] = given.get("attention_mask")

    def noisy(module: torch.nn.Module, args: tuple[Any, ...], out: torch.Tensor) -> torch.Tensor | None:
        if not module.training or not out.is_floating_point():
            return None
        size = alpha / torch.sqrt(_tokens(seen[0], out).float() * out.shape[-1])
        noise = torch.empty_like(out, dtype=torch.float32).uniform_(-1, 1) * size
        return out + noise.to(out.dtype)

    model.register_forward_pre_hook(remember, with_kwargs=True)
    base.get_input_embeddings().register_forward_hook(noisy)


def _tokens(attention: torch.Tensor | None, out: torch.Tensor) -> torch.Tensor:
    """How many tokens the row of each embedding in `out` (B, T, width) has, to be multiplied with it."""
    if attention is None:
        return torch.tensor(out.shape[1], device=out.device)
    if attention.dim() == 2:
        return attention.sum(1)[:, None, None]
    lengths = attention.flatten()  # of rows that lie end to end
    return lengths.repeat_interleave(lengths)[None, :, None].to(out.device)
