"""What the settings of a run add to a description: they never speak alone."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from engine.findings import Category


class Hint(msgspec.Struct, frozen=True):
    """A setting that makes a cause likelier, once the description has named it."""

    category: Category
    weight: float
    setting: str
    """Regular expression over `key=value`, in lower case."""


HINTS: Final[tuple[Hint, ...]] = (
    Hint("never_stops_generating", 0.8, r"pad_token=.*(eos|</s>)"),
    Hint("padding_token", 0.6, r"pad_token=.*(eos|</s>)"),
    Hint("padding_token", 1.2, r"padding_side=.*left"),
    Hint("nan_or_inf", 0.6, r"(precision|dtype|torch_dtype)=.*(fp16|float16|half)|^fp16=(true|yes|1)"),
    Hint(
        "loss_spike_divergence",
        0.6,
        r"(lr|learning_rate)=(0?\.00[1-9]|[1-9](\.\d+)?e-0?3|[2-9](\.\d+)?e-0?4)",
    ),
    Hint(
        "garbage_after_training", 0.6, r"(lr|learning_rate)=(0?\.00[1-9]|0?\.0[1-9]|[1-9](\.\d+)?e-0?[123])"
    ),
    Hint("overfit_memorising", 0.6, r"epochs?=(\D*)([5-9]|\d\d+)(\.0)?$|rows=\d{1,3}$"),
    Hint("merge_mismatch", 0.8, r"merge|save_method=.*merged"),
    Hint("gguf_export", 0.8, r"(export|format|runtime|converter)\w*=.*(gguf|ollama|llama\.?cpp)"),
    Hint(
        "template_or_special_tokens", 0.5, r"(instruction|response)_(part|template)|chat_template=|^template="
    ),
    Hint("device_mismatch", 0.5, r"device_map="),
    Hint("distributed_launch", 0.6, r"(launcher|strategy|ddp|fsdp|deepspeed)\w*=|gpus?=([2-9]|\d\d|[2-9]x)"),
    Hint("quantization_backend", 0.5, r"load_in_[48]bit|bitsandbytes=|^quant"),
    Hint("bf16_unsupported", 1.0, r"gpu=.*(v100|t4|p100|gtx|rtx ?20|turing|volta)"),
    Hint("no_trainable_params_or_grad", 0.6, r"gradient_checkpointing=(true|yes|1)|is_trainable"),
    Hint(
        "loss_not_decreasing",
        0.8,
        r"warmup\w*=\d{4,}|scheduler_interval=|(lr|learning_rate)=\d(\.\d+)?e-0?[6-9]",
    ),
    Hint("dependency_version", 0.6, r"transformers=4\.4[67]"),
    Hint("other", 0.5, r"load(ing)?=.*get_peft_model|is_trainable"),
    Hint("checkpoint_resume", 0.5, r"resume\w*=(?!false|none|no)"),
    Hint("truncation", 0.4, r"(max_(seq_?)?len\w*|cutoff_len|model_max_length)=\d{2,4}$"),
    Hint("oom", 0.4, r"(max_\w*length|cutoff_len)=\d{4,}"),
)
"""The order says nothing."""


def hints_of(config: dict[str, Any]) -> dict[Category, tuple[float, list[str]]]:
    """By category, what the settings add, and which they are."""
    settings = [f"{key}={value}".lower().replace(" ", "") for key, value in config.items()]
    found: dict[Category, tuple[float, list[str]]] = {}
    for hint in HINTS:
        told = [setting for setting in settings if re.search(hint.setting, setting)]
        if told:
            weight, before = found.get(hint.category, (0.0, []))
            found[hint.category] = (weight + hint.weight, [*before, *told])
    return found
