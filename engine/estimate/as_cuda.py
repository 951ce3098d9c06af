"""Makes tensors of the CPU be computed as a card would: with its autocast and its attention kernels."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode

_WIDE: Final = frozenset({
    "layer_norm", "native_layer_norm", "rms_norm", "group_norm", "pow", "__pow__", "rsqrt", "reciprocal",
    "exp", "expm1", "log", "log1p", "softplus", "logsumexp", "cosine_similarity", "nll_loss", "kl_div",
    "mse_loss", "l1_loss",
})  # fmt: skip
"""Computed in fp32 under CUDA's autocast and not under the CPU's (torch/include/ATen/autocast_mode.h)."""
_WIDE_UNLESS_ASKED: Final = frozenset({"softmax", "log_softmax", "sum", "cumsum", "prod", "cumprod"})
"""The same, where the call names no `dtype`."""


class AsCuda(TorchFunctionMode):
    """Inside, calls take the precision and the attention that they would have on a card.

    Flash and memory-efficient attention take dropout on a card, where the CPU's kernel leaves it to
    plain products; the mask of what is dropped is never stored. It is off in a backward pass, so that what
    checkpointing computes again there needs it once more.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "scaled_dot_product_attention":
            return func(*args[:4], **{**_named(args[4:]), **kwargs, "dropout_p": 0.0})
        wide = name in _WIDE or (name in _WIDE_UNLESS_ASKED and kwargs.get("dtype") is None)
        if wide and torch.is_autocast_enabled("cpu"):
            args = tuple(_widened(value) for value in args)
            kwargs = {key: _widened(value) for key, value in kwargs.items()}
        return func(*args, **kwargs)


def _named(rest: tuple[Any, ...]) -> dict[str, Any]:
    """What may follow query, key, value and mask by place."""
    return dict(zip(("dropout_p", "is_causal"), rest, strict=False))


def _widened(value: Any) -> Any:
    narrow = isinstance(value, torch.Tensor) and value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if narrow else value
