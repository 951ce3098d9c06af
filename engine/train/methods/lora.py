"""LoRA and what it comes in: patterns of ranks, DoRA, rsLoRA, and the ways it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

from engine.model.choice import patterned
from engine.recipe.adapters import CONFIG
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import Micro
from engine.train.methods import starts
from engine.train.methods.beside import learning_whole
from engine.train.methods.eva import begin_from_data
from engine.train.methods.loftq import begin_from_loss
from engine.train.methods.targets import Targets


class Ground(NamedTuple):
    """What a method may look at where it is laid."""

    folder: Path
    """The model's."""
    micros: Callable[[], Iterable[Micro]] = tuple
    """Micro-batches of the training rows, as many as a start may look at."""
    checkpoint: Path | None = None
    """Where the run goes on from; its weights take the place of those that are laid."""


def lay(
    base: PreTrainedModel, recipe: Recipe, targets: Targets, ground: Ground | None
) -> tuple[PeftModel, str]:
    """A LoRA on the targets, drawn from torch's random numbers; and what to say of it, if anything.

    Without `ground` only shapes count, of a model that may have fewer blocks than the recipe speaks of.

    Raises:
        Refusal: a pattern names nothing, or the start asks for what is not there.
    """
    start = recipe.init_lora_weights
    if ground is not None:
        patterned(targets.modules, recipe.rank_pattern, "rank_pattern")
        patterned(targets.modules, recipe.alpha_pattern, "alpha_pattern")
    beside = learning_whole(base, recipe.modules_to_save)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=targets.names,
        fan_in_fan_out=targets.transposed,
        exclude_modules=targets.exclude,
        layers_to_transform=targets.blocks or None,
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
        rank_pattern=dict(recipe.rank_pattern),
        alpha_pattern=dict(recipe.alpha_pattern),
        modules_to_save=beside.names,
        ensure_weight_tying=beside.tied,
        init_lora_weights="gaussian" if start == "gaussian" else True,
    )
    if ground is not None and ground.checkpoint is not None and start == "eva":
        _as_shared_out(config, ground.checkpoint)
    model = get_peft_model(base, config)
    return model, _begun(model, start, ground)


def _begun(model: PeftModel, start: str, ground: Ground | None) -> str:
    if start in ("default", "gaussian"):
        return ""
    if ground is None or ground.checkpoint is not None:
        if start.startswith(("pissa", "olora")):  # what a checkpoint holds takes these places
            for _, layer in starts.lora_layers(model):
                starts.hold(layer, layer.lora_A["default"].weight.data, layer.lora_B["default"].weight.data)
        return ""
    if start == "loftq":
        begin_from_loss(model, ground.folder)
        return "the adapter starts as what quantisation took from the weights: it belongs to the 4-bit model"
    if start == "eva":
        if begin_from_data(model, ground.micros()):
            return _ranks(model)
        return "too few rows for init_lora_weights eva: the default start is taken"
    starts.begin(model, start)
    return f"the adapter starts by {start}"


def _ranks(model: PeftModel) -> str:
    found = [layer.r["default"] for _, layer in starts.lora_layers(model)]
    return f"ranks by what the rows tell of each layer: {min(found)} to {max(found)} on {len(found)} layers"


def _as_shared_out(config: LoraConfig, checkpoint: Path) -> None:
    """The ranks that the run's first beginning has chosen by the rows."""
    saved = json.loads((checkpoint / CONFIG).read_text(encoding="utf-8"))
    for name in ("target_modules", "rank_pattern", "alpha_pattern"):
        setattr(config, name, saved[name])
