"""Loads a causal language model and lays a LoRA adapter on it, whatever its architecture."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from engine.data.refusal import Refusal
from engine.job import Job
from engine.recipe.recipe import Recipe
from engine.train.loss import LabelledOnly
from engine.train.machine import Machine

_TOKENIZER_FILES: Final = ["*.json", "*.jinja", "*.model", "*.txt"]

transformers.utils.logging.disable_progress_bar()


class Student:
    """The model that learns.

    Attributes:
        peft: model and adapter.
        wrapped: the same, as all ranks train it together.
        labelled: computes logits where there are labels.
        parameters: those that train, fp32.
    """

    def __init__(self, peft: PeftModel, machine: Machine) -> None:
        self.peft = peft
        self.labelled = LabelledOnly(peft.get_base_model().get_output_embeddings())
        self.parameters = [p for p in peft.parameters() if p.requires_grad]
        if not self.parameters:
            raise Refusal(
                "no_trainable_params_or_grad",
                "Nothing in the model can be trained.",
                why="The adapter has no trainable parameters.",
                do="Check target_modules and the adapter to start from.",
            )
        self.wrapped: nn.Module = machine.accelerator.prepare_model(peft) if machine.world > 1 else peft

    @property
    def counts(self) -> tuple[int, int]:
        """Parameters that train, and all."""
        return sum(p.numel() for p in self.parameters), sum(p.numel() for p in self.peft.parameters())


def tokenizer_folder(job: Job) -> Path:
    """A local folder with the model's tokenizer files and configuration.

    Raises:
        Refusal: the recipe names a folder that is not there.
    """
    folder = _local(job.recipe.model) or Path(_fetched(job.recipe.model))
    if (folder / "tokenizer.json").is_file():
        return folder
    converted = job.folder / "tokenizer"
    AutoTokenizer.from_pretrained(folder, trust_remote_code=False).save_pretrained(converted)
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, converted / name)
    return converted


def context_of(folder: Path) -> int | None:
    """Positions that the model in `folder` was made for, None where its configuration does not say."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    config |= config.get("text_config") or {}
    for name in ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length"):
        if isinstance(config.get(name), int):
            return int(config[name])
    return None


def student_of(job: Job, machine: Machine) -> Student:
    """The recipe's model with a fresh adapter drawn from the recipe's seed, or the one it starts from."""
    recipe = job.recipe
    base = AutoModelForCausalLM.from_pretrained(
        _local(recipe.model) or recipe.model, dtype=machine.dtype, trust_remote_code=False
    )
    base.config.use_cache = False
    base.to(machine.device)
    if recipe.gradient_checkpointing:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    torch.manual_seed(recipe.seed)
    with warnings.catch_warnings():
        # peft says that it sets fan_in_fan_out for Conv1D by itself, which is what is wanted.
        warnings.simplefilter("ignore")
        peft = _continued(base, recipe) if recipe.adapter else get_peft_model(base, _config(base, recipe))
    for parameter in peft.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()
    return Student(peft, machine)


def target_names(model: PreTrainedModel, wanted: str | list[str]) -> str | list[str]:
    """`all-linear`, or the names wanted, each of which names a linear module.

    peft complains only when no name matches at all, so one mistyped among several would be silent.

    Raises:
        Refusal: a name that matches no linear module, with the names that exist.
    """
    if wanted == "all-linear":
        return wanted
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    head = model.get_output_embeddings()
    linear = {
        name: module for name, module in model.named_modules() if isinstance(module, (nn.Linear, Conv1D))
    }
    unknown = [
        name for name in names if not any(path == name or path.endswith(f".{name}") for path in linear)
    ]
    if unknown or not names:
        there = sorted({path.rpartition(".")[2] for path, module in linear.items() if module is not head})
        raise Refusal(
            "target_modules_not_found",
            f"No layer of the model is called {', '.join(unknown) or '(nothing)'}.",
            where="recipe: target_modules",
            why=f"Its linear layers are called: {', '.join(there)}.",
            do="Use these names, or all-linear for all of them.",
        )
    return names


def _config(base: PreTrainedModel, recipe: Recipe) -> LoraConfig:
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=target_names(base, recipe.target_modules),
    )


def _continued(base: PreTrainedModel, recipe: Recipe) -> PeftModel:
    folder = Path(str(recipe.adapter))
    if not (folder / "adapter_config.json").is_file():
        raise Refusal(
            "checkpoint_resume",
            "The adapter to start from is not there.",
            where=str(folder),
            why="The folder has no adapter_config.json.",
            do="Name a folder that peft saved an adapter in, or leave `adapter` out.",
        )
    return PeftModel.from_pretrained(base, str(folder), is_trainable=True)


def _local(model: str) -> Path | None:
    """The model's folder, None for a hub id.

    Raises:
        Refusal: `model` is written like a path and is no folder.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    written_as_path = model.startswith(("/", ".", "~")) or "\\" in model or model.count("/") != 1
    if path.is_absolute() or (written_as_path and "/" in model):
        raise Refusal(
            "other",
            "The model folder does not exist.",
            where=model,
            why="The path names no folder on this machine.",
            do="Check the path, or give a hub id such as Qwen/Qwen2.5-1.5B.",
        )
    return None


def _fetched(model: str) -> str:
    from huggingface_hub import snapshot_download

    return str(snapshot_download(model, allow_patterns=_TOKENIZER_FILES))
