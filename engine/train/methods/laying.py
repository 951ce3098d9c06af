"""Lays an adapter on a model: a fresh one, or one that a run or another program left."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from peft.utils.save_and_load import load_peft_weights
from transformers import PreTrainedModel

from engine.data.refusal import Refusal
from engine.findings import Finding
from engine.problem import Problem
from engine.recipe.adapters import SavedAdapter, differences, saved_adapter
from engine.recipe.recipe import Recipe
from engine.train.memory.exhausted import out_of_memory
from engine.train.methods.adapter import tensors
from engine.train.methods.lora import Ground, lay
from engine.train.methods.targets import chosen_targets


class Laid(NamedTuple):
    """A model with its adapter."""

    peft: PeftModel
    targets: list[str]
    """Names of the layers that carry it, as peft matches them."""
    notes: list[str]
    """What a person should know of the choice."""
    findings: list[Finding]
    merged: dict[str, tuple[torch.Tensor, torch.Tensor]] | None = None
    """What was merged into the base before it was laid, as `merging.Factors`."""

    @property
    def rank(self) -> int:
        """Rank of the adapter."""
        return int(self.peft.peft_config["default"].r)

    @property
    def layers(self) -> int:
        """How many layers carry the adapter."""
        return sum(isinstance(module, LoraLayer) for module in self.peft.modules())


def fresh(base: PreTrainedModel, recipe: Recipe, ground: Ground | None = None) -> Laid:
    """A new adapter, on the layers that the recipe names; draws from torch's random numbers.

    Without `ground` only its shapes count.

    Raises:
        Refusal: the model has no such layers.
    """
    targets = chosen_targets(base, recipe.target_modules, recipe.exclude_modules, recipe.layers_to_transform)
    model, said = lay(base, recipe, targets, ground)
    return Laid(model, targets.names, [note for note in (targets.note, said) if note], [])


def continued(base: PreTrainedModel, folder: Path, recipe: Recipe) -> Laid:
    """The adapter in `folder`, as it was saved; its own settings count, not the recipe's.

    Raises:
        Refusal: there is none, or it was made for another model.
    """
    saved = opened(folder)
    try:
        peft = PeftModel.from_pretrained(base, str(saved.folder), is_trainable=True)
    except (RuntimeError, ValueError) as error:
        if out_of_memory(error):
            raise
        raise _misfit(saved, recipe, f"{error}") from error
    here = {name: tensor.shape for name, tensor in tensors(peft).items()}
    there = {name: tensor.shape for name, tensor in load_peft_weights(str(saved.folder), "cpu").items()}
    if here != there:
        odd = sorted(here.keys() ^ there.keys()) or [name for name in here if here[name] != there[name]]
        raise _misfit(saved, recipe, f"{len(odd)} tensors differ, the first is {odd[0]}.")
    targets = [saved.targets] if isinstance(saved.targets, str) else saved.targets
    return Laid(peft, targets, [f"goes on from the adapter in {folder}"], differences(saved, recipe))


def opened(folder: Path) -> SavedAdapter:
    """The adapter in `folder`; raises Refusal where there is none."""
    try:
        return saved_adapter(folder)
    except Problem as problem:
        raise Refusal("checkpoint_resume", problem.what, where=problem.where, why=problem.why,
                      do=problem.do) from problem  # fmt: skip


def _misfit(saved: SavedAdapter, recipe: Recipe, why: str) -> Refusal:
    return Refusal(
        "merge_mismatch",
        "The adapter to start from was made for another model.",
        where=str(saved.folder),
        why=f"{why} It was made for {saved.base or 'an unknown model'}.",
        do=f"Set `model` to the adapter's base model in place of {recipe.model}, or leave `adapter` out.",
    )
