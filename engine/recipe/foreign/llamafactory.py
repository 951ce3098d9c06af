"""LLaMA-Factory: its keys, and the defaults of its arguments (hparams/*.py) and transformers' below them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.problem import Problem
from engine.recipe.fields import nearest
from engine.recipe.foreign import pairs
from engine.recipe.foreign.dataset_info import KEYS as DATA_KEYS
from engine.recipe.foreign.dataset_info import data
from engine.recipe.foreign.llamafactory_keys import KEYS, SAME, UNEVEN
from engine.recipe.foreign.source import located
from engine.recipe.foreign.translation import Translation, empty, told, translate
from engine.templates.llamafactory import TURNS

_OWN: Final = frozenset(
    {
        "model_name_or_path",
        "adapter_name_or_path",
        "stage",
        "finetuning_type",
        "lora_target",
        "pissa_init",
        "pissa_iter",
        "template",
        "cutoff_len",
        "mask_history",
        "train_on_prompt",
        "packing",
        "neat_packing",
        "bf16",
        "fp16",
        "pure_bf16",
        "warmup_steps",
        "quantization_bit",
        "quantization_method",
        "default_system",
    }
)


def from_llamafactory(said: dict[str, Any], folder: Path) -> Translation:
    """The recipe that a LLaMA-Factory file in `folder` comes to.

    Raises:
        Problem: it trains on what cannot be learnt here, or its datasets are not told of.
    """
    found = Translation("LLaMA-Factory")
    stage = said.get("stage", "sft")
    if stage not in ("sft", "pt", "dpo"):
        raise Problem(
            "The file trains neither on answers nor on pairs of them.",
            why=f"Its stage is {told(stage)}; the stages sft, pt and dpo are taken over.",
            do="Take over a file with one of these stages.",
        )
    if stage == "dpo":
        pairs.begin(found, "pref_loss", said.get("pref_loss"), pairs.FACTORY)
    data(said, folder, found)
    for key, value in said.items():
        if key in DATA_KEYS or (key == "pref_loss" and stage == "dpo"):
            continue
        if key in _OWN:
            _own(key, value, said, folder, found)
        elif not translate(KEYS, key, value, found):
            close = nearest(key, tuple(KEYS))
            more = f" Is {close} meant?" if close else ""
            found.leave(key, value, f"It is not known here, and does nothing.{more}")
    _defaults(said, found)
    return found


def _own(key: str, value: Any, said: dict[str, Any], folder: Path, found: Translation) -> None:
    """A key that takes more than a table."""
    if empty(value):
        found.leave(key, value, "")
    elif key == "model_name_or_path":
        found.take(key, value, "model", located(str(value), folder))
    elif key == "adapter_name_or_path":
        first, *more = [part.strip() for part in str(value).split(",")]
        found.take(
            key, value, "adapter", located(first, folder), "The others are not merged in." if more else ""
        )
    elif key == "stage":
        words = {"sft": "answers are learnt", "pt": "data_format: text", "dpo": "pairs are learnt"}
        found.note(key, value, words[value])
    elif key == "finetuning_type":
        method = "full" if value == "full" else "lora"
        same = value in ("lora", "full")
        found.take(key, value, "method", method, "" if same else "An adapter learns in its place.")
    elif key == "lora_target":
        names = [part.strip() for part in str(value).split(",")]
        found.take(key, value, "target_modules", "all-linear" if value == "all" else names)
    elif key == "pissa_init" and value is True:
        rounds = said.get("pissa_iter", 16)
        found.take(key, value, "init_lora_weights", "pissa" if rounds == -1 else f"pissa_niter_{rounds}")
    elif key in ("pissa_init", "pissa_iter"):
        found.leave(key, value, "pissa_init decides." if said.get("pissa_init") else "It is off.")
    elif key == "template":
        _template(str(value), found)
    elif key == "cutoff_len":
        packed = bool(said.get("packing") or said.get("neat_packing"))
        found.take(key, value, "max_length", value - packed if isinstance(value, int) else value)
    elif key in ("mask_history", "train_on_prompt"):
        _learnt(key, value, found)
    elif key in ("packing", "neat_packing"):
        crossing = "" if said.get("neat_packing") else " Rows of a pack saw one another."
        found.leave(
            key,
            value,
            "Rows are never packed here: a batch size counted packs of cutoff_len tokens."
            f"{crossing if value else ''}",
        )
    elif key in ("bf16", "fp16", "pure_bf16"):
        _precision(key, value, found)
    elif key == "warmup_steps":
        _warmup(value, said, found)
    elif key in ("quantization_bit", "quantization_method"):
        _quantised(key, value, said, found)
    else:
        found.leave(key, value, "Put a system turn into the rows, or a `system` into the recipe's mapping.")


def _quantised(key: str, value: object, said: dict[str, Any], found: Translation) -> None:
    """bitsandbytes is the one method here, and has 4 and 8 bits."""
    method = str(said.get("quantization_method") or "bnb").lower()
    if method not in ("bnb", "bitsandbytes"):
        found.leave(key, value, "bitsandbytes alone quantises here: load_in_4bit, load_in_8bit.")
    elif key == "quantization_method":
        found.note(key, value, "bitsandbytes")
    elif value in (4, 8):
        found.take(key, value, f"load_in_{value}bit", True)
    else:
        found.leave(key, value, "Weights are held in 4 or in 8 bits here.")


def _template(name: str, found: Translation) -> None:
    if name in TURNS:
        uneven = UNEVEN if TURNS[name].end else ""
        found.take("template", name, "chat_template", f"llamafactory-{name}", uneven)
        return
    found.leave(
        "template", name, "It has no equal here: the model's own is taken, and turns are tokenised together."
    )


def _learnt(key: str, value: object, found: Translation) -> None:
    if not value:
        found.leave(key, value, "The answers of all turns are learnt.")
    else:
        found.take(key, value, "train_on", "last_answer" if key == "mask_history" else "all")


def _precision(key: str, value: object, found: Translation) -> None:
    if value:
        pure = "Adapter and optimizer stay in fp32." if key == "pure_bf16" else ""
        found.take(key, value, "mixed_precision", "fp16" if key == "fp16" else "bf16", pure)
    else:
        found.leave(key, value, "The model's own precision decides.")


def _warmup(value: object, said: dict[str, Any], found: Translation) -> None:
    steps = said.get("max_steps")
    if isinstance(value, int) and isinstance(steps, int) and steps > 0:
        found.take("warmup_steps", value, "warmup_ratio", min(value / steps, 1.0))
    else:
        said_so = f"Warm-up is a share of the steps here: set warmup_ratio to {value} / steps."
        found.leave("warmup_steps", value, said_so)


def _defaults(said: dict[str, Any], found: Translation) -> None:
    """What LLaMA-Factory, or transformers below it, takes where the file is silent."""
    if "chat_template" in found.values:
        found.default(
            "template", "tokenize_turns", "apart", "Each turn is tokenised on its own, as it does it."
        )
    elif "template" not in said and said.get("stage", "sft") == "sft":
        found.note(
            "template",
            None,
            "the model's own",
            "LLaMA-Factory takes it apart and puts it "
            "together again: "
            "name a template to be sure of the same ids.",
        )
    if "objective" in found.values:
        found.default("pref_beta", "beta", 0.1)
    packed = bool(said.get("packing") or said.get("neat_packing"))
    found.default("cutoff_len", "max_length", 2048 - packed)
    found.default("cutoff_len", "truncation", "balance", "Prompt and answer are shortened in proportion.")
    found.default("mask_history", "train_on", "answers")
    found.default("lora_rank", "lora_r", 8)
    rank = found.values["lora_r"]
    found.default("lora_alpha", "lora_alpha", float(2 * rank), "Twice the rank.")
    found.default("lora_target", "target_modules", "all-linear")
    found.default("lora_dropout", "lora_dropout", 0.0)
    found.default("learning_rate", "learning_rate", 5e-5)
    found.default("lr_scheduler_type", "lr_scheduler_type", "linear")
    if empty(said.get("warmup_steps")):
        found.default("warmup_ratio", "warmup_ratio", 0.0)
    found.default("num_train_epochs", "num_train_epochs", 3.0)
    found.default("per_device_train_batch_size", "per_device_train_batch_size", 8)
    found.default("gradient_accumulation_steps", "gradient_accumulation_steps", 1)
    found.default("max_grad_norm", "max_grad_norm", 1.0)
    found.default("weight_decay", "weight_decay", 0.0)
    found.default("seed", "seed", 42)
    found.default("disable_gradient_checkpointing", "gradient_checkpointing", True, SAME)
    if "eval_data" not in found.values:
        found.default("val_size", "eval_split", 0.0, "Nothing is held out, and nothing measured.")
