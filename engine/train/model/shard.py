"""Spreads the frozen base over the ranks (FSDP2), where one device does not hold it.

The blocks alone are spread: each is gathered for its own forward and backward pass. Embeddings, head and
adapter are whole on every rank, so that the adapter trains, is saved and is verified as ever.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any, Final

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from engine.recipe.recipe import Recipe
from engine.recipe.together import unspreadable
from engine.train.machine import Machine

_ROOM: Final = 0.7
"""Of a card's free memory that the base may take whole: activations, logits and gradients come beside it."""


def to_be_sharded(recipe: Recipe, machine: Machine, base: nn.Module) -> bool:
    """True where the recipe wants it, or where on some rank's card the base does not fit whole."""
    kept = unspreadable(partial(getattr, recipe))
    if machine.world == 1 or recipe.fsdp == "never" or kept or _blocks(base) is None:
        return False
    if recipe.fsdp == "always":
        return True
    tight = False
    if machine.device.type == "cuda":
        size = sum(parameter.numel() * parameter.element_size() for parameter in base.parameters())
        tight = size > _ROOM * torch.cuda.mem_get_info(machine.device)[0]
    return machine.any(mine=tight)


def shard(base: Any, machine: Machine) -> None:
    """Leave each rank its part of every block; each is moved to the device by itself before it is cut."""
    blocks, inner = _blocks(base), base.base_model
    assert blocks is not None
    mesh = init_device_mesh(machine.device.type, (machine.world,))
    cut = set(chain.from_iterable(block.parameters() for block in blocks))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    # The model around them only lets one block be gathered while the one before it computes.
    fully_shard(inner, mesh=mesh, ignored_params={p for p in inner.parameters() if p not in cut})
    for module in base.modules():
        _move_whole(module, machine.device, cut)


def _move_whole(module: nn.Module, device: torch.device, cut: set[nn.Parameter]) -> None:
    for parameter in module.parameters(recurse=False):
        if not isinstance(parameter, torch.distributed.tensor.DTensor) and parameter not in cut:
            parameter.data = parameter.data.to(device)
    for name, buffer in module.named_buffers(recurse=False):
        module._buffers[name] = buffer.to(device)


def _blocks(base: Any) -> nn.ModuleList | None:
    """The layers that repeat; None where they are not found."""
    inner = getattr(base, "base_model", None)
    lists = [m for m in inner.modules() if isinstance(m, nn.ModuleList)] if inner is not None else []
    return max(lists, key=len, default=None) if inner is not base else None
