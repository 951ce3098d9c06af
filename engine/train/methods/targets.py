"""Which layers of a loaded model carry the adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from engine.model.choice import Layers, chosen


class Targets(NamedTuple):
    """The layers that were chosen."""

    names: list[str]
    """As peft matches them: a module's path, or the end of one."""
    modules: dict[str, nn.Module]
    """The layers themselves by their paths."""
    transposed: bool
    """True where they are Conv1D, which keeps its weight as (in, out): peft's `fan_in_fan_out`."""
    exclude: str | None
    """peft's `exclude_modules`: matches all that has such a name and was not chosen; None if nothing has."""
    blocks: list[int] = []  # noqa: RUF012 (a tuple's default is shared and never changed)
    """peft's `layers_to_transform`: the blocks that carry it; all where it is empty."""
    note: str = ""
    """What a person should know of the choice."""

    @property
    def apart(self) -> list[str]:
        """The names, or where some that have them are left out, the path of each layer."""
        return list(self.modules) if self.exclude or self.blocks else self.names

    @property
    def layers(self) -> int:
        """How many modules they are."""
        return len(self.modules)


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


def chosen_targets(
    model: PreTrainedModel,
    wanted: str | list[str],
    exclude: str | list[str] | None = None,
    blocks: Sequence[int] = (),
) -> Targets:
    """The layers of `model` that the recipe's `target_modules`, less what it leaves out, means.

    Raises:
        Refusal: a name that matches no linear layer, with the names that exist.
    """
    choice = chosen(layers_of(model), wanted, exclude, blocks)
    transposed = all(isinstance(module, Conv1D) for module in choice.layers.values())
    return Targets(choice.names, choice.layers, transposed, choice.exclude, list(blocks), choice.note)
