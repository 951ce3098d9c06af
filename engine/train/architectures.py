"""Which layers carry the adapter: one table from a model's architecture to the names of its projections."""

from __future__ import annotations

from typing import Final, NamedTuple

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from engine.data.refusal import Refusal


class Parts(NamedTuple):
    """Names of the projections of a transformer block; a dotted name is the end of a path."""

    attention: tuple[str, ...]
    mlp: tuple[str, ...]


_LLAMA: Final = Parts(("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj"))
_FUSED_QKV: Final = Parts(
    ("query_key_value", "self_attention.dense"), ("mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
)
_GPT2: Final = Parts(("attn.c_attn", "attn.c_proj"), ("mlp.c_fc", "mlp.c_proj"))
_GPTJ: Final = ("mlp.fc_in", "mlp.fc_out")

_LIKE_LLAMA: Final = (
    "llama", "mistral", "ministral", "ministral3", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text",
    "stablelm", "granite", "cohere", "cohere2", "olmo", "olmo2", "olmo3", "smollm3", "seed_oss",
)  # fmt: skip

ARCHITECTURES: Final[dict[str, Parts]] = {
    **dict.fromkeys(_LIKE_LLAMA, _LLAMA),
    "phi": Parts(("q_proj", "k_proj", "v_proj", "self_attn.dense"), ("fc1", "fc2")),
    "phi3": Parts(("qkv_proj", "o_proj"), ("gate_up_proj", "down_proj")),
    "glm": Parts(("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_up_proj", "down_proj")),
    "starcoder2": Parts(("q_proj", "k_proj", "v_proj", "o_proj"), ("mlp.c_fc", "mlp.c_proj")),
    "opt": Parts(("q_proj", "k_proj", "v_proj", "out_proj"), ("fc1", "fc2")),
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "gpt_neo": Parts(("q_proj", "k_proj", "v_proj", "out_proj"), ("mlp.c_fc", "mlp.c_proj")),
    "gptj": Parts(("q_proj", "k_proj", "v_proj", "out_proj"), _GPTJ),
    "codegen": Parts(("qkv_proj", "out_proj"), _GPTJ),
    "falcon": _FUSED_QKV,
    "bloom": _FUSED_QKV,
    "gpt_neox": _FUSED_QKV._replace(attention=("query_key_value", "attention.dense")),
    "mpt": Parts(("Wqkv", "out_proj"), ("up_proj", "down_proj")),
}
"""By `model_type`; the names are those of the modules in transformers."""


class Targets(NamedTuple):
    """The layers that were chosen."""

    names: list[str]
    """As peft matches them: a module's path, or the end of one."""
    layers: int
    """How many modules they are."""
    transposed: bool
    """True where they are Conv1D, which keeps its weight as (in, out): peft's `fan_in_fan_out`."""
    note: str = ""
    """What a person should know of the choice."""


def chosen_targets(model: PreTrainedModel, wanted: str | list[str]) -> Targets:
    """The layers of `model` that the recipe's word (`all-linear`, `attention`) or list of names means.

    peft complains only when no name matches at all, so one mistyped among several would be silent.

    Raises:
        Refusal: a name that matches no linear layer, with the names that exist.
    """
    linear = _linear(model)
    note = ""
    if wanted in ("all-linear", "attention"):
        names, note = _by_architecture(model, linear, wanted == "attention")
    else:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if not _matched(name, linear)]
    if unknown or not names:
        raise _no_such_layer(unknown, _other_than_head(model, linear))
    chosen = {path: linear[path] for name in names for path in _matched(name, linear)}
    transposed = all(isinstance(module, Conv1D) for module in chosen.values())
    return Targets(names, len(chosen), transposed, note)


def _by_architecture(
    model: PreTrainedModel, linear: dict[str, nn.Module], attention_only: bool
) -> tuple[list[str], str]:
    kind = str(getattr(model.config, "model_type", "") or type(model).__name__)
    parts = ARCHITECTURES.get(kind)
    if parts is not None:
        names = [*parts.attention, *(() if attention_only else parts.mlp)]
        if all(_matched(name, linear) for name in names):
            return names, ""
    rest = _other_than_head(model, linear)
    if attention_only:
        raise Refusal(
            "target_modules_not_found",
            f"Which layers of a {kind} model are its attention is not known here.",
            where="recipe: target_modules",
            why=f"Its linear layers are called: {', '.join(_short(rest))}.",
            do="List the names that are meant, or use all-linear.",
        )
    # A short name that the head has too would lay an adapter on the head.
    names = _short(rest)
    if any(path not in rest for name in names for path in _matched(name, linear)):
        names = rest
    return names, f"{kind} is not in the table of architectures: every linear layer but the head is adapted"


def _linear(model: PreTrainedModel) -> dict[str, nn.Module]:
    return {path: module for path, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)}


def _other_than_head(model: PreTrainedModel, linear: dict[str, nn.Module]) -> list[str]:
    head = model.get_output_embeddings()
    return [path for path, module in linear.items() if module is not head]


def _matched(name: str, paths: dict[str, nn.Module]) -> list[str]:
    return [path for path in paths if path == name or path.endswith(f".{name}")]


def _short(paths: list[str]) -> list[str]:
    return sorted({path.rpartition(".")[2] for path in paths})


def _no_such_layer(unknown: list[str], there: list[str]) -> Refusal:
    return Refusal(
        "target_modules_not_found",
        f"No layer of the model is called {', '.join(unknown) or '(nothing)'}.",
        where="recipe: target_modules",
        why=f"Its linear layers are called: {', '.join(_short(there))}.",
        do="Use these names, or `all-linear` or `attention`.",
    )
