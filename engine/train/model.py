"""Loads a causal language model and lays a LoRA adapter on it, whatever its architecture."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from engine.data.refusal import Refusal, as_refusal
from engine.job import Job
from engine.json_file import read_object
from engine.problem import Problem
from engine.recipe.models import prove_model
from engine.text import one_line
from engine.train.laying import Laid, continued, fresh
from engine.train.loss import LabelledOnly
from engine.train.machine import Machine
from engine.trust import Code, code_of, is_trusted, refused

transformers.utils.logging.disable_progress_bar()


class Student:
    """The model that learns.

    Attributes:
        peft: model and adapter.
        laid: where the adapter is, and what a person should know of it.
        wrapped: the same model, as all ranks train it together.
        labelled: computes logits where there are labels.
        parameters: those that train, fp32.
    """

    def __init__(self, laid: Laid, machine: Machine) -> None:
        self.laid, self.peft = laid, laid.peft
        # transformers loads a model at rest, where it would keep its activations and drop nothing.
        self.peft.train()
        self.labelled = LabelledOnly(self.peft.get_base_model().get_output_embeddings())
        self.parameters = [p for p in self.peft.parameters() if p.requires_grad]
        if not self.parameters:
            raise Refusal(
                "no_trainable_params_or_grad",
                "Nothing in the model can be trained.",
                why="The adapter has no trainable parameters.",
                do="Check target_modules and the adapter to start from.",
            )
        alone = machine.world == 1
        self.wrapped: nn.Module = self.peft if alone else machine.accelerator.prepare_model(self.peft)

    @property
    def counts(self) -> tuple[int, int]:
        """Parameters that train, and all."""
        return sum(p.numel() for p in self.parameters), sum(p.numel() for p in self.peft.parameters())


def trusts_code(job: Job) -> bool:
    """True where the recipe lets the model's own code run.

    Raises:
        Refusal: it does not, and transformers does not know the model without that code; or the recipe
            speaks of other code.
    """
    folder, model = _folder(job), job.recipe.model
    try:
        if is_trusted(job.recipe.trust_remote_code, model, folder):
            return True
        code = code_of(folder)
        kind = read_object(folder / "config.json").get("model_type") if code is not None else None
        if code is not None and _needed(code, kind):
            raise refused(model, folder, code, f"transformers does not know {kind!r} models by itself.")
    except Problem as problem:
        raise Refusal(
            "dependency_version", problem.what, where=problem.where, why=problem.why, do=problem.do
        ) from problem
    return False


def _needed(code: Code, kind: object) -> bool:
    known = {"AutoConfig": CONFIG_MAPPING_NAMES, "AutoModelForCausalLM": MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}
    return any(name in code.named and kind not in kinds for name, kinds in known.items())


def tokenizer_folder(job: Job, *, trust: bool = False) -> Path:
    """A local folder with the model's tokenizer files and configuration.

    Args:
        trust: the model's own code may run, as `trusts_code` says.

    Raises:
        Refusal: the recipe names a folder that is not there.
    """
    folder = _folder(job)
    if (folder / "tokenizer.json").is_file():
        return folder
    converted = job.folder / "tokenizer"
    try:
        AutoTokenizer.from_pretrained(folder, trust_remote_code=trust).save_pretrained(converted)
    except (ValueError, ImportError, RecursionError, TypeError) as error:
        raise Refusal(
            "template_or_special_tokens",
            "The model's tokenizer cannot be read.",
            where=str(folder),
            why=one_line(f"{error}", 300),
            do="Save it there once: AutoTokenizer.from_pretrained(…).save_pretrained(…).",
        ) from error
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, converted / name)
    return converted


def student_of(job: Job, machine: Machine, checkpoint: Path | None = None, *, trust: bool = False) -> Student:
    """The recipe's model with a fresh adapter drawn from the recipe's seed, or the one it starts from.

    A run that started from an adapter goes on from its own `checkpoint`, whatever became of the other.
    With `trust` the model's own code may run.
    """
    recipe = job.recipe
    start = checkpoint or Path(recipe.adapter) if recipe.adapter else None
    base, loading = AutoModelForCausalLM.from_pretrained(
        _folder(job), dtype=machine.dtype, trust_remote_code=trust, output_loading_info=True
    )
    _prove_loaded(job.base, base, loading)
    base.config.use_cache = False
    base.to(machine.device)
    if recipe.gradient_checkpointing:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    torch.manual_seed(recipe.seed)
    laid = continued(base, start, recipe) if start else fresh(base, recipe)
    for parameter in laid.peft.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()
    # Who loads the adapter by peft's Auto classes gets the base at the commit that it was trained on.
    laid.peft.peft_config["default"].revision = job.revision
    return Student(laid, machine)


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


def _folder(job: Job) -> Path:
    """The model's folder.

    Raises:
        Refusal: it is not there.
    """
    if job.base.is_dir():
        try:
            prove_model(job.base)
        except Problem as problem:
            raise as_refusal("merge_mismatch", problem) from problem
        return job.base
    raise Refusal(
        "other",
        "The model folder does not exist.",
        where=str(job.base),
        why="The path names no folder on this machine.",
        do="Check the path, or give a hub id such as Qwen/Qwen2.5-1.5B.",
    )
