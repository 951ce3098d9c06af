"""Lays an adapter on a model: a fresh one, or one that a run or another program left."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.save_and_load import load_peft_weights
from transformers import PreTrainedModel

from engine.data.refusal import Refusal
from engine.findings import Finding
from engine.problem import Problem
from engine.recipe.adapters import SavedAdapter, differences, saved_adapter
from engine.recipe.recipe import Recipe
from engine.train.memory.exhausted import out_of_memory
from engine.train.methods.adapter import tensors
from engine.train.methods.lora import Ground
from engine.train.methods.prompts import hide_prompt
from engine.train.methods.table import METHODS, Tuned, method_of


class Laid(NamedTuple):
    """A model with its adapter."""

    peft: Tuned
    targets: list[str]
    """Names of the layers that carry it, as peft matches them."""
    notes: list[str]
    """What a person should know of the choice."""
    findings: list[Finding]
    merged: dict[str, tuple[torch.Tensor, torch.Tensor]] | None = None
    """What was merged into the base before it was laid, as `merging.Factors`."""

    @property
    def method(self) -> str:
        """The recipe's word for how the model is tuned."""
        return method_of(self.peft)

    @property
    def rank(self) -> int:
        """Rank of the adapter, 0 where it has none."""
        ranked = self.method in ("lora", "adalora", "vera")
        return int(self.peft.peft_config["default"].r) if ranked else 0

    @property
    def layers(self) -> int:
        """How many layers carry the adapter, 0 where it is on none."""
        on_layers = self.method not in ("bitfit", "full")
        return sum(isinstance(module, BaseTunerLayer) for module in self.peft.modules()) if on_layers else 0

    @property
    def told(self) -> str:
        """The method in a sentence."""
        if self.method in ("prompt", "prefix"):
            return f"{self.tokens_before} learnt tokens before each row ({self.method} tuning)"
        if self.method in ("bitfit", "full"):
            return "all weights learn" if self.method == "full" else "the model's own biases learn"
        kind = "adapter" if self.method == "lora" else f"{self.method} adapter"
        ranked = f" of rank {self.rank}" if self.rank else ""
        return f"{kind}{ranked} on {self.layers} layers: {', '.join(self.targets)}"

    @property
    def tokens_before(self) -> int:
        """Learnt tokens that stand before each row."""
        found = self.peft.peft_config.get("default")
        return int(getattr(found, "num_virtual_tokens", None) or 0)


def fresh(base: PreTrainedModel, recipe: Recipe, ground: Ground | None = None) -> Laid:
    """A new adapter, on the layers that the recipe names; draws from torch's random numbers.

    Without `ground` only its shapes count.

    Raises:
        Refusal: the model has no such layers, or cannot be tuned by that method.
    """
    made = METHODS[recipe.method].lay(base, recipe, ground)
    return Laid(made.model, made.targets, made.notes, [])


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
    if peft.peft_config["default"].is_prompt_learning:
        hide_prompt(peft)
    if method_of(peft) == "bitfit":
        for name, parameter in peft.named_parameters():
            parameter.requires_grad_("bias" in name and "lora_" not in name)
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
