"""Models of a few kilobytes, written without torch: what a check reads of them is all there."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 259, "hidden_size": 8,
    "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "max_position_embeddings": 4096, "tie_word_embeddings": False,
}  # fmt: skip
_PROJECTIONS = {
    "self_attn.q_proj": (8, 8), "self_attn.k_proj": (4, 8), "self_attn.v_proj": (4, 8),
    "self_attn.o_proj": (8, 8),
    "mlp.gate_proj": (16, 8), "mlp.up_proj": (16, 8), "mlp.down_proj": (8, 16),
}  # fmt: skip
TEMPLATE = "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"


def llama_tensors(layers: int = 2) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a tiny Llama's weights."""
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (259, 8), "model.norm.weight": (8,)}
    for layer in range(layers):
        names = {f"model.layers.{layer}.{name}.weight": shape for name, shape in _PROJECTIONS.items()}
        found |= names | {f"model.layers.{layer}.input_layernorm.weight": (8,)}
    return found | {"lm_head.weight": (259, 8)}


def write_weights(path: Path, tensors: Mapping[str, tuple[int, ...]], dtype: str = "F32") -> None:
    """A safetensors file full of zeros, its tail not written to the disk."""
    head, at = {}, 0
    for name, shape in tensors.items():
        size = 4 if dtype == "F32" else 2
        for length in shape:
            size *= length
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + at)


def write_tokenizer(folder: Path, *, template: bool = True) -> None:
    """A tokenizer of bytes; `template` gives it a chat template."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: id for id, token in enumerate(["<unk>", "<s>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"bos_token": "<s>", "eos_token": "</s>"} | ({"chat_template": TEMPLATE} if template else {})
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def model(folder: Path, tensors: Mapping[str, tuple[int, ...]] | None = None, **config: Any) -> Path:
    """A whole model in `folder`: by default a tiny Llama."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(LLAMA | config))
    write_weights(folder / "model.safetensors", llama_tensors() if tensors is None else tensors)
    write_tokenizer(folder)
    return folder
