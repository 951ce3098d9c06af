"""Which layers carry the adapter: one table from a model's architecture to the names of its projections."""

from __future__ import annotations

from typing import Final, NamedTuple


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

FUSED: Final = frozenset({"qkv_proj", "c_attn", "query_key_value", "Wqkv", "gate_up_proj"})
"""Projections that are several in one; a path may come before the name."""
TRANSPOSED: Final = frozenset({"gpt2", "gpt-sw3", "openai-gpt", "imagegpt"})
"""Their linear layers are Conv1D, which keeps its weight as (in, out)."""
_KEYS_AND_VALUES: Final = frozenset({"k_proj", "v_proj"})


def scaled_by_ia3(kind: str) -> tuple[list[str], list[str]]:
    """The layers that IA3 scales, and those of them that it scales at their inputs; empty where not known."""
    parts = ARCHITECTURES.get(kind)
    if parts is None:
        return [], []
    inner = [parts.mlp[-1]]
    heads = [name for name in parts.attention if name.rpartition(".")[2] in _KEYS_AND_VALUES | FUSED]
    return heads + inner, inner


AS_IN_FILES: Final = frozenset({
    "apertus", "arcee", "aria_text", "axk1", "cohere2_moe", "cwm", "deepseek_v2", "deepseek_v3",
    "deepseek_v32", "dots1", "ernie4_5", "ernie4_5_moe", "exaone4", "exaone_moe", "falcon_h1", "falcon_mamba",
    "flex_olmo", "glm4", "glm4_moe", "glm4_moe_lite", "gpt_oss", "granitemoe", "granitemoeshared", "helium",
    "hunyuan_v1_dense", "hunyuan_v1_moe", "internlm3", "jais2", "jamba", "lfm2", "mamba", "mellum",
    "minicpm3", "minimax", "minimax_m2", "mixtral", "nanochat", "nemotron", "olmoe", "persimmon", "qwen2_moe",
    "qwen3_5_moe_text", "qwen3_5_text", "qwen3_moe", "qwen3_next", "recurrent_gemma", "solar_open",
    "vaultgemma", "xglm",
})  # fmt: skip
"""Further kinds whose layers are called in their files as they are in transformers."""
