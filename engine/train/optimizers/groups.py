"""Which parameters learn together: at which share of the rate, and with weight decay or without."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import torch
from torch import nn

from engine.recipe.recipe import Recipe

_B: Final = re.compile(r"\.lora_(embedding_)?B\.")
_BARE: Final = re.compile(r"bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)", re.IGNORECASE)
"""Weights without decay: those that transformers' `get_decay_parameter_names` leaves out."""


class Group(NamedTuple):
    """Parameters that an optimizer treats alike."""

    parameters: list[nn.Parameter]
    scale: float = 1.0
    """Their rate, in rates of the schedule."""
    decays: bool = True

    def settings(self, recipe: Recipe) -> dict[str, Any]:
        """The group as torch's optimizers take one."""
        decay = recipe.weight_decay if self.decays else 0.0
        return {"params": self.parameters, "scale": self.scale, "weight_decay": decay}


def groups_of(model: nn.Module, recipe: Recipe) -> list[Group]:
    """What trains in `model`; with LoRA+ (arXiv 2402.12354) the B matrices have a rate of their own."""
    norms = (module for module in model.modules() if isinstance(module, nn.LayerNorm))
    bare = {id(parameter) for norm in norms for parameter in norm.parameters()}
    found: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = recipe.loraplus_lr_ratio if _B.search(name) else 1.0
        decays = id(parameter) not in bare and not _BARE.search(name)
        found.setdefault((scale, decays), []).append(parameter)
    return [Group(parameters, scale, decays) for (scale, decays), parameters in found.items()]
