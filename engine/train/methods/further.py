"""Methods that sit on layers as LoRA does: AdaLoRA, VeRA, IA3, and the biases alone (BitFit)."""

from __future__ import annotations

import math
from typing import Final

from peft import AdaLoraConfig, IA3Config, LoraConfig, PeftModel, VeraConfig, get_peft_model
from transformers import PreTrainedModel

from engine.data.refusal import Refusal
from engine.model.architectures import scaled_by_ia3
from engine.recipe.recipe import Recipe
from engine.train.methods.beside import learning_whole
from engine.train.methods.targets import Targets, chosen_targets

_MORE: Final = 1.5
"""AdaLoRA begins with this many times the rank that it ends with, as in the paper (arXiv 2303.10512)."""


def targets_of(base: PreTrainedModel, recipe: Recipe) -> Targets:
    """The layers that the recipe means.

    Raises:
        Refusal: the model has no such layers.
    """
    return chosen_targets(base, recipe.target_modules, recipe.exclude_modules, recipe.layers_to_transform)


def lay_adalora(base: PreTrainedModel, recipe: Recipe) -> tuple[PeftModel, Targets]:
    """A LoRA whose ranks are taken from where they help least; `budget` has it follow the steps."""
    targets = targets_of(base, recipe)
    beside = learning_whole(base, recipe.modules_to_save)
    config = AdaLoraConfig(
        task_type="CAUSAL_LM",
        target_r=recipe.lora_r,
        init_r=max(math.ceil(_MORE * recipe.lora_r), recipe.lora_r + 1),
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=targets.names,
        exclude_modules=targets.exclude,
        layers_to_transform=targets.blocks or None,
        fan_in_fan_out=targets.transposed,
        modules_to_save=beside.names,
        ensure_weight_tying=beside.tied,
        total_step=3,
    )
    return get_peft_model(base, config), targets


def lay_vera(base: PreTrainedModel, recipe: Recipe) -> tuple[PeftModel, Targets]:
    """Two vectors for each layer, over matrices that all layers share and that are drawn from the seed."""
    targets = targets_of(base, recipe)
    config = VeraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_r,
        vera_dropout=recipe.lora_dropout,
        target_modules=targets.apart,
        fan_in_fan_out=targets.transposed,
        projection_prng_key=recipe.seed,
        modules_to_save=learning_whole(base, recipe.modules_to_save).names,
    )
    return get_peft_model(base, config), targets


def lay_ia3(base: PreTrainedModel, recipe: Recipe) -> tuple[PeftModel, Targets]:
    """A factor for each key, value and inner unit of the MLP (arXiv 2205.05638)."""
    wanted, inner = scaled_by_ia3(str(base.config.model_type))
    if recipe.target_modules != "all-linear":
        recipe_targets = recipe.target_modules
    elif wanted:
        recipe_targets = wanted
    else:
        raise Refusal(
            "target_modules_not_found",
            f"Which layers of a {base.config.model_type} model IA3 scales is not known here.",
            where="recipe: target_modules",
            do="Name them: keys, values, and the layer that the MLP ends with.",
        )
    targets = chosen_targets(base, recipe_targets, recipe.exclude_modules, recipe.layers_to_transform)
    ends = tuple(f".{name}" for name in inner)
    config = IA3Config(
        task_type="CAUSAL_LM",
        target_modules=targets.apart,
        feedforward_modules=[name for name in targets.apart if f".{name}".endswith(ends)] if ends else [],
        fan_in_fan_out=targets.transposed,
        modules_to_save=learning_whole(base, recipe.modules_to_save).names,
    )
    return get_peft_model(base, config), targets


def lay_bitfit(base: PreTrainedModel, recipe: Recipe) -> tuple[PeftModel, Targets]:
    """The model's own biases learn (arXiv 2106.10199), saved as peft's `bias: all` beside a LoRA of zeros.

    Raises:
        Refusal: the model has no biases.
    """
    biased = [name for name, _ in base.named_parameters() if "bias" in name]
    if not biased:
        raise Refusal(
            "no_trainable_params_or_grad",
            "method: bitfit tunes biases, and the model has none.",
            where="recipe: method",
            why="Llama, Mistral, Gemma and most models since are made without biases.",
            do="Set method: ia3, which is about as small, or lora.",
        )
    all_linear = chosen_targets(base, "all-linear")
    carrier = next(iter(all_linear.modules))
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=1,
        target_modules=[carrier],
        bias="all",
        fan_in_fan_out=all_linear.transposed,
    )
    model = get_peft_model(base, config)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" not in name and "bias" in name)
    return model, all_linear._replace(names=["bias"], modules={}, note="")
