"""Which layers of a loaded model carry the adapter."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from engine.model.choice import Layers, chosen


class Targets(NamedTuple):
    """The layers that were chosen."""

    names: list[str]
    """As peft matches them: a module's path, or the end of one."""
    layers: int
    """How many modules they are."""
    transposed: bool
    """True where they are Conv1D, which keeps its weight as (in, out): peft's `fan_in_fan_out`."""
    exclude: str | None
    """peft's `exclude_modules`: matches all that has such a name and was not chosen; None if nothing has."""
    note: str = ""
    """What a person should know of the choice."""


def layers_of(model: PreTrainedModel) -> Layers[nn.Module]:
    """The linear layers of `model`."""
    kind = str(getattr(model.config, "model_type", "") or type(model).__name__)
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    root = next((path for path, module in model.named_modules() if module is decoder), "")
    linear = {p: m for p, m in model.named_modules() if isinstance(m, nn.Linear | Conv1D)}
    inside = {p: m for p, m in linear.items() if (not root or p.startswith(f"{root}.")) and m is not head}
    outside = {path: module for path, module in linear.items() if path not in inside}
    # The weights of all experts may lie in one tensor, which no adapter of linear layers reaches.
    stacked = [name for name, weight in model.named_parameters() if weight.dim() == 3]
    return Layers(kind, inside, outside, experts=any("experts" in name for name in stacked))


def chosen_targets(model: PreTrainedModel, wanted: str | list[str]) -> Targets:
    """The layers of `model` that the recipe's `target_modules` means.

    Raises:
        Refusal: a name that matches no linear layer, with the names that exist.
    """
    choice = chosen(layers_of(model), wanted)
    transposed = all(isinstance(module, Conv1D) for module in choice.layers.values())
    return Targets(choice.names, len(choice.layers), transposed, choice.exclude, choice.note)
