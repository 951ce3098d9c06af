"""The model's folder: whether its own code may run, and where its tokenizer is."""

from __future__ import annotations

import shutil
from pathlib import Path

from transformers import AutoTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from engine.data.refusal import Refusal, as_refusal
from engine.job import Job
from engine.json_file import read_object
from engine.problem import Problem
from engine.recipe.models import prove_model
from engine.text import one_line
from engine.trust import Code, code_of, is_trusted, refused


def trusts_code(job: Job) -> bool:
    """True where the recipe lets the model's own code run.

    Raises:
        Refusal: it does not, and transformers does not know the model without that code; or the recipe
            speaks of other code.
    """
    folder, model = model_folder(job), job.recipe.model
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
    folder = model_folder(job)
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


def model_folder(job: Job) -> Path:
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
