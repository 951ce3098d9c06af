"""From what LoRA starts: A and B made from the weights of their layer, by a table of ways.

PiSSA and OLoRA begin with the largest part of the weights in B A. The base model stays as it is: what B A
held at the start is subtracted from the layer's output, and a saved adapter holds both, [B | -B0] [A; A0],
as peft's own conversion of such adapters does. So it fits the original model, quantised or not, and without
the adapter the model is the original one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from peft import LoraConfig, PeftModel
from peft.tuners.lora import LoraLayer
from peft.utils.integrations import dequantize_module_weight
from torch import nn

from engine.data.refusal import Refusal

Factors = tuple[torch.Tensor, torch.Tensor]
"""A (r, in) and B (out, r), fp32."""
_NAME: Final = "default"


def lora_layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that carry a LoRA, with their paths."""
    for path, module in model.named_modules():
        if isinstance(module, LoraLayer):
            yield path, module


def full_weight(layer: Any) -> torch.Tensor:
    """(out, in), fp32: the weight of the layer below, dequantised, whichever way round it is kept."""
    weight: torch.Tensor = dequantize_module_weight(layer.get_base_layer()).detach().float()
    return weight.T if layer.fan_in_fan_out else weight


@torch.no_grad()
def begin(model: PeftModel, start: str) -> None:
    """Let every layer of `model` begin as `start` (`pissa`, `pissa_niter_N`, `olora`, `orthogonal`) says.

    Raises:
        Refusal: the rank is larger than a layer, or odd where it has to be even.
    """
    way = _WAYS[start.partition("_")[0]]
    for path, layer in lora_layers(model):
        rank = layer.r[_NAME]
        if rank > min(layer.in_features, layer.out_features):
            raise _too_high(start, path, rank, min(layer.in_features, layer.out_features))
        a, b = way(full_weight(layer), rank, layer.scaling[_NAME], start)
        put(layer, a, b)
        if way is not _orthogonal:
            hold(layer, a, b)


def put(layer: Any, a: torch.Tensor, b: torch.Tensor) -> None:
    """Make A and B of `layer` these."""
    layer.lora_A[_NAME].weight.data.copy_(a)
    layer.lora_B[_NAME].weight.data.copy_(b)


def hold(layer: Any, a: torch.Tensor, b: torch.Tensor) -> None:
    """Subtract from now on what A and B hold at the start, wherever the adapter is on."""
    if not hasattr(layer, "start_A"):
        layer.register_forward_hook(_less_start)
    layer.register_buffer("start_A", a.contiguous().clone(), persistent=False)
    layer.register_buffer("start_B", b.contiguous().clone(), persistent=False)


def held(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers whose start is subtracted."""
    return ((path, layer) for path, layer in lora_layers(model) if hasattr(layer, "start_A"))


def joined(model: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The adapter's tensors with the starts that are subtracted, as a LoRA of twice the rank."""
    for path, layer in held(model):
        a, b = f"{path}.lora_A.weight", f"{path}.lora_B.weight"
        state[a] = torch.cat([state[a], layer.start_A.to(state[a])])
        state[b] = torch.cat([state[b], -layer.start_B.to(state[b])], dim=1)
    return state


def parted(model: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What `joined` made, apart again: the starts go into their layers, the rest is returned."""
    for path, layer in held(model):
        a, b, rank = f"{path}.lora_A.weight", f"{path}.lora_B.weight", layer.r[_NAME]
        hold(layer, state[a][rank:].to(layer.start_A), -state[b][:, rank:].to(layer.start_B))
        state[a], state[b] = state[a][:rank].contiguous(), state[b][:, :rank].contiguous()
    return state


def widened(config: LoraConfig) -> None:
    """Let `config` describe the joined adapter: twice the rank at the same scale."""
    alpha = math.sqrt(2) if config.use_rslora else 2
    config.r, config.lora_alpha = 2 * config.r, alpha * config.lora_alpha
    config.rank_pattern = {name: 2 * rank for name, rank in (config.rank_pattern or {}).items()}
    config.alpha_pattern = {name: alpha * one for name, one in (config.alpha_pattern or {}).items()}


def _less_start(layer: Any, args: tuple[Any, ...], out: torch.Tensor) -> torch.Tensor:
    if layer.disable_adapters:
        return out
    inner = nn.functional.linear(args[0].to(layer.start_A.dtype), layer.start_A)
    start = nn.functional.linear(inner, layer.start_B) * float(layer.scaling[_NAME])
    return out - start.to(out.dtype)


def _pissa(weight: torch.Tensor, rank: int, scale: float, start: str) -> Factors:
    """The largest singular values and vectors (arXiv 2404.02948); `pissa_niter_N` in N rounds at random."""
    rounds = start.rpartition("_")[2]
    if rounds.isdigit():
        u, s, v = torch.svd_lowrank(weight, rank, niter=int(rounds))
        vh = v.T
    else:
        u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    root = (s[:rank] / scale).sqrt()
    return root[:, None] * vh[:rank], u[:, :rank] * root


def _olora(weight: torch.Tensor, rank: int, scale: float, start: str) -> Factors:
    """The first columns of the QR decomposition (arXiv 2406.01775)."""
    q, r = torch.linalg.qr(weight)
    return r[:rank], q[:, :rank]


def _orthogonal(weight: torch.Tensor, rank: int, scale: float, start: str) -> Factors:
    """A and B on complementary halves of one orthogonal basis, as peft draws them: B A is 0."""
    if rank % 2:
        raise Refusal(
            "hyperparameter",
            f"init_lora_weights: orthogonal takes an even rank, and lora_r is {rank}.",
            where="recipe: init_lora_weights",
            do="Set lora_r to an even number.",
        )
    rows, columns = weight.shape
    basis = torch.linalg.qr(torch.randn(rank, rank))[0]
    a = (torch.randn(columns, rank // 2) @ basis[0::2]).T / 10
    return a.to(weight.device), ((torch.randn(rank // 2, rows).T @ basis[1::2]) / 10).to(weight.device)


_WAYS: Final[dict[str, Callable[[torch.Tensor, int, float, str], Factors]]] = {
    "pissa": _pissa,
    "olora": _olora,
    "orthogonal": _orthogonal,
}


def _too_high(start: str, path: str, rank: int, most: int) -> Refusal:
    return Refusal(
        "hyperparameter",
        f"init_lora_weights: {start} takes a rank of at most {most:,} here, and it is {rank:,}.",
        where="recipe: init_lora_weights",
        why=f"{path.removeprefix('base_model.model.')} has only {most:,} singular vectors.",
        do="Lower lora_r, set another rank for it in rank_pattern, or take the default start.",
    )
