"""Loads a base model and proves that what was loaded is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from engine.data.refusal import Refusal
from engine.findings import Finding
from engine.job import Job
from engine.json_file import read_object
from engine.recipe.recipe import Recipe
from engine.train.machine import Machine
from engine.train.memory.checkpointing import switch_on
from engine.train.model.attention import choose
from engine.train.model.folder import model_folder
from engine.train.model.quantise import numbers, quantisation, settle
from engine.train.model.shard import shard, to_be_sharded

transformers.utils.logging.disable_progress_bar()


class Loaded(NamedTuple):
    """A base model, and what a person should know of how it was loaded."""

    model: PreTrainedModel
    findings: list[Finding]


def base_model(job: Job, machine: Machine, *, trust: bool = False) -> Loaded:
    """The recipe's model on the machine's device; with `trust` its own code may run.

    Raises:
        Refusal: its files are not whole, or its weights not finite; or it cannot be quantised here.
    """
    recipe = job.recipe
    base, loading = placed(recipe, model_folder(job), machine, trust=trust)
    _prove_loaded(job.base, base, loading)
    if machine.sharded:
        shard(base, machine)
    base.config.use_cache = False
    if recipe.gradient_checkpointing:
        switch_on(base)
    return Loaded(base, choose(base, recipe, machine))


def placed(
    recipe: Recipe, folder: Path, machine: Machine, *, trust: bool = False
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model in `folder` on the machine's device, held as the recipe says, and how its loading went.

    Raises:
        Refusal: it cannot be quantised here.
    """
    already = "quantization_config" in read_object(folder / "config.json")
    # What is quantised in its files keeps to that.
    wanted = None if already else quantisation(recipe, machine)
    quantised = already or wanted is not None
    options: dict[str, Any] = {"quantization_config": wanted} if wanted is not None else {}
    if quantised:  # such weights are made where they stay, and cannot be moved as others can
        options["device_map"] = {"": str(machine.device)}
    base, loading = AutoModelForCausalLM.from_pretrained(
        folder, dtype=machine.dtype, trust_remote_code=trust, output_loading_info=True, **options
    )
    if quantised:
        settle(base)
    else:
        machine.sharded = to_be_sharded(recipe, machine, base)
    if not quantised and not machine.sharded:
        base.to(machine.device)
    return base, loading


def _prove_loaded(folder: Path, base: nn.Module, loading: dict[str, Any]) -> None:
    """Refuse a model of which something was drawn at random, or is not finite."""
    lacking = sorted(loading["missing_keys"])
    if lacking:
        raise Refusal(
            "merge_mismatch",
            f"The files lack {len(lacking):,} of the model's weights.",
            where=str(folder),
            why=f"They would be random: {', '.join(lacking[:4])}{', …' if len(lacking) > 4 else ''}.",
            do="Get the model's files again; the class in config.json has to be that of the weights.",
        )
    for name, weight in base.named_parameters():
        if not all(torch.isfinite(part.detach().sum(dtype=torch.float32)) for part in numbers(weight)):
            raise Refusal(
                "nan_or_inf",
                "The model's own weights hold numbers that are not finite.",
                where=f"{folder}: {name}",
                why="The files are damaged, or were saved after a training that diverged.",
                do="Get the model's files again.",
            )
