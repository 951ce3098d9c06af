"""NEFTune: noise on the embeddings while the model learns (arXiv 2310.05914)."""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedModel


def add_noise(base: PreTrainedModel, alpha: float) -> None:
    """From now on, and only in training, add uniform noise of alpha / root of (tokens x width) to embeddings.

    The tokens are those of each row, padding aside, as in the paper's own code.
    """
    lengths: list[torch.Tensor | None] = [None]

    def remember(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        mask = given.get("attention_mask")
        lengths[0] = mask.sum(1) if isinstance(mask, torch.Tensor) and mask.dim() == 2 else None

    def noisy(module: torch.nn.Module, args: tuple[Any, ...], out: torch.Tensor) -> torch.Tensor | None:
        if not module.training or not out.is_floating_point():
            return None
        rows, longest, width = out.shape
        tokens = lengths[0] if lengths[0] is not None else torch.full((rows,), longest, device=out.device)
        size = alpha / torch.sqrt(tokens.float() * width)
        noise = torch.empty_like(out, dtype=torch.float32).uniform_(-1, 1) * size[:, None, None]
        return out + noise.to(out.dtype)

    base.register_forward_pre_hook(remember, with_kwargs=True)
    base.get_input_embeddings().register_forward_hook(noisy)
