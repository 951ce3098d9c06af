"""Loads a base model and proves that what was loaded is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from engine.data.refusal import Refusal
from engine.job import Job
from engine.train.machine import Machine
from engine.train.model.folder import model_folder

transformers.utils.logging.disable_progress_bar()


def base_model(job: Job, machine: Machine, *, trust: bool = False) -> PreTrainedModel:
    """The recipe's model on the machine's device; with `trust` its own code may run.

    Raises:
        Refusal: its files are not whole, or its weights not finite.
    """
    base, loading = AutoModelForCausalLM.from_pretrained(
        model_folder(job), dtype=machine.dtype, trust_remote_code=trust, output_loading_info=True
    )
    _prove_loaded(job.base, base, loading)
    base.config.use_cache = False
    base.to(machine.device)
    if job.recipe.gradient_checkpointing:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return base


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
        if not torch.isfinite(weight.detach().sum(dtype=torch.float32)):
            raise Refusal(
                "nan_or_inf",
                "The model's own weights hold numbers that are not finite.",
                where=f"{folder}: {name}",
                why="The files are damaged, or were saved after a training that diverged.",
                do="Get the model's files again.",
            )
