"""A linear layer with its LoRA adapter as one operation: y = x W' + b + s (x A') B'.

As modules, each adapter reads and writes the layer's whole output three times more than the layer itself
(product, scaling, sum) and as often again backwards; here the small products add into what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch
from peft import PeftModel
from peft.tuners.lora.layer import Linear
from torch import nn
from transformers.pytorch_utils import Conv1D

_FALCON: Final = "FalconLinear"
"""Falcon's own class for what nn.Linear does."""

Forward = Callable[..., torch.Tensor]


def fuse(model: PeftModel) -> int:
    """Fuse every plain LoRA layer of `model`; how many there are.

    Layers with dropout, of another kind (DoRA and the like), or on quantised weights stay as they are.
    """
    layers = [module for module in model.modules() if type(module) is Linear and _plain(module)]
    for layer in layers:
        layer.forward = partial(_forward, layer, layer.forward)
    return len(layers)


def _plain(layer: Linear) -> bool:
    base = layer.get_base_layer()
    return (
        (type(base) in (nn.Linear, Conv1D) or type(base).__name__ == _FALCON)
        and not any(p.requires_grad for p in base.parameters())
        and list(layer.lora_A) == ["default"]
        and isinstance(layer.lora_dropout["default"], nn.Identity)
        and not layer.lora_variant
        and layer.lora_B["default"].bias is None
    )


def _forward(layer: Linear, usual: Forward, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    if layer.disable_adapters or layer.merged or args or kwargs:
        return usual(x, *args, **kwargs)
    base = layer.get_base_layer()
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    weight = base.weight.t() if isinstance(base, Conv1D) else base.weight
    flat = x.reshape(-1, x.shape[-1])
    found: torch.Tensor = _Fused.apply(flat, weight, base.bias, down, up, layer.scaling["default"])  # type: ignore[no-untyped-call]
    return found.reshape(*x.shape[:-1], found.shape[-1])  # an expert, or a head, may get no tokens at all


class _Fused(torch.autograd.Function):
    """x (N, in), W (out, in), A (rank, in), B (out, rank)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        device = x.device.type
        kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        with torch.autocast(device, enabled=False):
            flat = x.to(kind)
            weight = weight.to(kind)
            y = nn.functional.linear(flat, weight, None if bias is None else bias.to(kind))
            small = flat @ down.to(kind).t()
            y.addmm_(small, up.to(kind).t(), alpha=scale)
        ctx.save_for_backward(flat, small, weight, down, up)
        ctx.scale, ctx.kind = scale, x.dtype
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, small, weight, down, up = ctx.saved_tensors
        (above,) = gradients
        below = (above @ up.to(above.dtype)).mul_(ctx.scale)
        d_down = (below.t() @ flat).to(down.dtype)
        d_up = (above.t() @ small).to(up.dtype).mul_(ctx.scale)
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = (above @ weight).addmm_(below, down.to(above.dtype)).to(ctx.kind)
        return d_x, None, None, d_down, d_up, None
