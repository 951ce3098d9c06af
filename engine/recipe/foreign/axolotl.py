"""Axolotl: its keys, and the defaults of its schemas (src/axolotl/utils/schemas) and trainer builders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.problem import Problem
from engine.recipe.fields import nearest
from engine.recipe.foreign import pairs
from engine.recipe.foreign.axolotl_data import KEYS as DATA_KEYS
from engine.recipe.foreign.axolotl_data import data
from engine.recipe.foreign.axolotl_keys import KEYS, OTHER
from engine.recipe.foreign.source import located
from engine.recipe.foreign.translation import Translation, empty, translate

_OWN: Final = frozenset(
    {
        "base_model",
        "adapter",
        "bnb_config_kwargs",
        "eager_attention",
        "flex_attention",
        "batch_size",
        "warmup_steps",
        "lora_target_modules",
        "lora_target_linear",
        "bf16",
        "fp16",
        "bfloat16",
        "float16",
        "float32",
        "rl",
        "rl_beta",
        "orpo_alpha",
    }
)


_KERNELS: Final = {"eager_attention": "eager", "flex_attention": "flex_attention"}
_BNB: Final = ("bnb_4bit_quant_type", "bnb_4bit_use_double_quant")


def from_axolotl(said: dict[str, Any], folder: Path) -> Translation:
    """The recipe that an Axolotl file in `folder` comes to.

    Raises:
        Problem: it trains on what cannot be learnt here, or names no model.
    """
    found = Translation("Axolotl")
    if said.get("reward_model") or said.get("process_reward_model"):
        raise Problem(
            "The file trains a reward model, which is not done here.",
            do="Take over a file of answers, or one with `rl: dpo`, ipo or orpo.",
        )
    if not empty(said.get("rl")):
        pairs.begin(found, "rl", said["rl"], pairs.AXOLOTL)
    model = said["base_model"]
    if not isinstance(model, str) or not model:
        raise Problem("The file names no model.", why="base_model is empty.", do="Fill in base_model.")
    found.take("base_model", model, "model", located(model, folder))
    data(said, folder, found)
    for key, value in said.items():
        if key in DATA_KEYS or (key in ("base_model", "rl") and not empty(value)):
            continue
        if key in _OWN:
            _own(key, value, said, found)
        elif not translate(KEYS, key, value, found):
            close = nearest(key, tuple(KEYS))
            more = f" Is {close} meant?" if close else ""
            found.leave(key, value, f"It is not known here, and does nothing.{more}")
    if "mixed_precision" not in found.values:
        _precision("", said, found)
    _defaults(said, found)
    return found


def _own(key: str, value: object, said: dict[str, Any], found: Translation) -> None:
    """A key that takes more than a table."""
    if empty(value):
        found.leave(key, value, "")
    elif key in ("rl_beta", "orpo_alpha"):
        mine = (key == "orpo_alpha") == (found.values.get("objective") == "orpo")
        found.take(key, value, "beta") if mine else found.leave(key, value, "It is another objective's.")
    elif key == "adapter":
        found.take(key, value, "method", "lora", "" if value in ("lora", "qlora") else OTHER)
    elif key == "bnb_config_kwargs":
        _quantised(key, value, found)
    elif key in _KERNELS:
        _kernel(key, value, found)
    elif key == "batch_size":
        _batch(value, said, found)
    elif key == "warmup_steps":
        _warmup(value, said, found)
    elif key in ("lora_target_modules", "lora_target_linear"):
        _targets(key, value, said, found)
    else:
        _precision(key, said, found)


def _quantised(key: str, value: object, found: Translation) -> None:
    """`bnb_config_kwargs`, a mapping of which two names have fields."""
    known = {name: value[name] for name in _BNB if name in value} if isinstance(value, dict) else {}
    for name, said in known.items():
        found.take(f"{key}.{name}", said, name)
    if not isinstance(value, dict) or value.keys() - known.keys():
        found.leave(key, value, "The rest of it is as transformers has it by default.")
    else:
        found.note(key, value, ", ".join(known))


def _kernel(key: str, value: object, found: Translation) -> None:
    if value:
        found.take(key, value, "attn_implementation", _KERNELS[key])
    else:
        found.leave(key, value, "It is off.")


def _batch(value: object, said: dict[str, Any], found: Translation) -> None:
    micro = said.get("micro_batch_size") or 1
    if isinstance(value, int) and isinstance(micro, int) and not said.get("gradient_accumulation_steps"):
        found.take("batch_size", value, "gradient_accumulation_steps", max(value // micro, 1))
    else:
        found.leave("batch_size", value, "gradient_accumulation_steps decides.")


def _warmup(value: object, said: dict[str, Any], found: Translation) -> None:
    steps = said.get("max_steps")
    if isinstance(value, int) and isinstance(steps, int) and steps > 0:
        found.take("warmup_steps", value, "warmup_ratio", min(value / steps, 1.0))
        return
    found.leave(
        "warmup_steps", value, f"Warm-up is a share of the steps here: set warmup_ratio to {value} / steps."
    )


def _targets(key: str, value: object, said: dict[str, Any], found: Translation) -> None:
    linear = bool(said.get("lora_target_linear"))
    if key == "lora_target_linear":
        if linear:
            found.take(key, value, "target_modules", "all-linear")
        else:
            found.leave(key, value, "lora_target_modules decides.")
    elif linear:
        found.leave(key, value, "lora_target_linear takes all linear layers.")
    else:
        found.take(key, value, "target_modules")


def _precision(key: str, said: dict[str, Any], found: Translation) -> None:
    """As `resolve_dtype` decides it: bf16 where asked or possible, else fp16, else fp32."""
    bf16 = said.get("bf16", "auto")
    if bf16 in (True, "full", "true") or said.get("bfloat16"):
        chosen = "bf16"
    elif said.get("fp16") or said.get("float16"):
        chosen = "fp16"
    else:
        chosen = "auto" if bf16 == "auto" else "no"
    if key:
        found.take(key, said[key], "mixed_precision", chosen)
    else:
        found.default("bf16", "mixed_precision", chosen)


def _defaults(said: dict[str, Any], found: Translation) -> None:
    """What Axolotl takes where its file is silent."""
    found.default("sequence_len", "max_length", 512)
    found.default("excess_length_strategy", "truncation", "drop", "Longer rows are left out.")
    found.default("train_on_inputs", "train_on", "answers")
    found.default("micro_batch_size", "per_device_train_batch_size", 1)
    found.default("gradient_accumulation_steps", "gradient_accumulation_steps", 1)
    found.default("num_epochs", "num_train_epochs", 1.0)
    found.default("lr_scheduler", "lr_scheduler_type", "cosine")
    capped = "It warms up over at most 100 steps; set warmup_ratio lower for more than 3,333 steps."
    if empty(said.get("warmup_steps")):
        found.default("warmup_ratio", "warmup_ratio", 0.03, capped)
    found.default("weight_decay", "weight_decay", 0.0)
    found.default("max_grad_norm", "max_grad_norm", 1.0)
    found.default("lora_dropout", "lora_dropout", 0.0)
    found.default("seed", "seed", 42)
    if "objective" in found.values:
        key = "orpo_alpha" if found.values["objective"] == "orpo" else "rl_beta"
        found.default(key, "beta", 0.1)
    if "eval_data" not in found.values:
        found.default("val_set_size", "eval_split", 0.0, "Nothing is held out, and nothing measured.")
