"""Which layers carry the adapter: one table from a model's architecture to the names of its projections."""

from __future__ import annotations

import re
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
    "llama", "mistral", "ministral", "ministral3", "qwen2", "qwen3", "gemma", "gemma2", "gemma3",
    "gemma3_text", "stablelm", "granite", "cohere", "cohere2", "olmo", "olmo2", "olmo3", "smollm3",
    "seed_oss",
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
    exclude: str | None
    """peft's `exclude_modules`: matches all that has such a name and was not chosen; None if nothing has."""
    note: str = ""
    """What a person should know of the choice."""


class _Layers:
    """The linear layers of a model by their paths: those of its text decoder, and the others.

    The others are the head, and where the model also sees or hears, the parts that no text reaches.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.kind = str(getattr(model.config, "model_type", "") or type(model).__name__)
        decoder, head = model.get_decoder(), model.get_output_embeddings()
        self.root = next((path for path, module in model.named_modules() if module is decoder), "")
        linear = {p: m for p, m in model.named_modules() if isinstance(m, nn.Linear | Conv1D)}
        self.inside = {p: m for p, m in linear.items() if self._within(p) and m is not head}
        # The weights of all experts may lie in one tensor, which no adapter of linear layers reaches.
        stacked = [name for name, weight in model.named_parameters() if weight.dim() == 3]
        self.experts = any("experts" in name for name in stacked)
        self.outside = {path: module for path, module in linear.items() if path not in self.inside}

    def _within(self, path: str) -> bool:
        return not self.root or path.startswith(f"{self.root}.")

    def called(self, name: str) -> dict[str, nn.Module]:
        """Layers of that name: the decoder's, else any."""
        return _ending(name, self.inside) or _ending(name, self.outside)

    def short_names(self) -> list[str]:
        """The last parts of the decoder's paths."""
        return sorted({path.rpartition(".")[2] for path in self.inside})

    def unwanted(self, names: list[str], chosen: dict[str, nn.Module]) -> str | None:
        """An expression for the layers that have one of the names and were not chosen."""
        others = {path for name in names for path in _ending(name, self.outside)} - chosen.keys()
        return "|".join(re.escape(path) for path in sorted(others)) or None


def chosen_targets(model: PreTrainedModel, wanted: str | list[str]) -> Targets:
    """The layers of `model` that the recipe's word (`all-linear`, `attention`) or list of names means.

    peft complains only when no name matches at all, so one mistyped among several would be silent.

    Raises:
        Refusal: a name that matches no linear layer, with the names that exist.
    """
    layers, note = _Layers(model), ""
    if wanted in ("all-linear", "attention"):
        names, note = _by_architecture(layers, attention_only=wanted == "attention")
    else:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if not layers.called(name)]
    if unknown or not names:
        raise _unknown(
            f"No layer of the model is called {', '.join(unknown) or '(nothing)'}.",
            layers,
            "Use these names, or `all-linear` or `attention`.",
        )
    chosen = {path: module for name in names for path, module in layers.called(name).items()}
    transposed = all(isinstance(module, Conv1D) for module in chosen.values())
    if layers.experts:
        note = f"{note}; the experts' weights are no linear layers and carry none".removeprefix("; ")
    return Targets(names, len(chosen), transposed, layers.unwanted(names, chosen), note)


def _by_architecture(layers: _Layers, *, attention_only: bool) -> tuple[list[str], str]:
    parts = ARCHITECTURES.get(layers.kind)
    names = [*parts.attention, *(() if attention_only else parts.mlp)] if parts else []
    if names and all(layers.called(name) for name in names):
        return names, ""
    if attention_only:
        what = f"Which layers of a {layers.kind} model are its attention is not known here."
        raise _unknown(what, layers, "List the names that are meant, or use all-linear.")
    note = f"{layers.kind} is not in the table of architectures: every linear layer but the head is adapted"
    return layers.short_names(), note


def _ending(name: str, layers: dict[str, nn.Module]) -> dict[str, nn.Module]:
    return {path: module for path, module in layers.items() if f".{path}".endswith(f".{name}")}


def _unknown(what: str, layers: _Layers, do: str) -> Refusal:
    return Refusal(
        "target_modules_not_found",
        what,
        where="recipe: target_modules",
        why=f"Its linear layers are called: {', '.join(layers.short_names())}.",
        do=do,
    )
