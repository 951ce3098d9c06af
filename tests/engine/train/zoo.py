"""Tiny random models of the architectures that people tune, each in a folder with a tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

_SMALL: Final = {
    "vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 128, "initializer_range": 0.2, "bos_token_id": 1, "eos_token_id": 2,
    "pad_token_id": None,
}  # fmt: skip
_GPT2: Final = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}
_GROUPED: Final = {"intermediate_size": 48, "num_key_value_heads": 2}
_GEMMA: Final = _GROUPED | {"head_dim": 16, "sliding_window": 16}

ZOO: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "gpt2": ("gpt2", _GPT2),
    "falcon-rw": ("falcon", {"alibi": True, "multi_query": False, "parallel_attn": False, "bias": True}),
    "falcon-7b": ("falcon", {"multi_query": True, "parallel_attn": True, "bias": False}),
    "falcon-40b": ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2, "bias": False}),
    "mistral": ("mistral", _GROUPED | {"sliding_window": 16}),
    "llama": ("llama", _GROUPED),
    "qwen2": ("qwen2", _GROUPED),
    "qwen3": ("qwen3", _GROUPED | {"head_dim": 16}),
    "gemma": ("gemma", _GROUPED | {"num_key_value_heads": 1, "head_dim": 16}),
    # Real ones cap at 30, where so small a model's logits would never come.
    "gemma2": ("gemma2", _GEMMA | {"final_logit_softcapping": 2.0, "attn_logit_softcapping": 1.0}),
    "gemma3": ("gemma3_text", _GEMMA),
    "phi": ("phi", {"intermediate_size": 48}),
    "phi3": ("phi3", _GROUPED),
    "opt": ("opt", {"ffn_dim": 48, "word_embed_proj_dim": 16}),
    "gpt_neox": ("gpt_neox", {"intermediate_size": 48}),
    "bloom": ("bloom", {"n_layer": 2, "n_head": 4, "seq_length": 128}),
    "mpt": ("mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 128}),
    "cohere": ("cohere", _GROUPED | {"logit_scale": 0.5}),
}
"""`model_type` and what makes its configuration tiny."""
_OWN_WORD: Final = ("gpt2", "bloom", "mpt", "gpt_bigcode", "gptj", "codegen")
"""Those that call their number of positions otherwise."""


_ONLY_CONFIGURED: Final[dict[str, dict[str, Any]]] = {
    "gpt_bigcode": _GPT2,
    "mixtral": _GROUPED | {"num_local_experts": 2},
    "gptj": _GPT2 | {"rotary_dim": 4},
    "codegen": _GPT2 | {"rotary_dim": 4},
    "gpt_neo": {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]},
}


def small_config(kind: str) -> PretrainedConfig:
    """A tiny configuration of the architecture."""
    known = dict(ZOO.values())
    values = {**_SMALL, **known.get(kind, _ONLY_CONFIGURED.get(kind, _GROUPED | {"head_dim": 8}))}
    return _configured(kind, values)


def made(name: str, folder: Path, tokenizer: dict[str, str]) -> Path:
    """The model of that name with fixed random weights, written into `folder`."""
    kind, changes = ZOO[name]
    torch.manual_seed(0)
    config = _configured(kind, {**_SMALL, **changes})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    for file, text in tokenizer.items():
        (folder / file).write_text(text)
    return folder


def _configured(kind: str, values: dict[str, Any]) -> PretrainedConfig:
    if kind in _OWN_WORD:
        del values["max_position_embeddings"]
    return AutoConfig.for_model(kind, **values)
