"""The sizes of a model, from its configuration alone."""

from __future__ import annotations

from typing import Any, Final

import msgspec

_NAMES: Final = {
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "key_heads": ("num_key_value_heads", "num_kv_heads"),
    "inner": ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size"),
    "positions": ("n_positions", "max_position_embeddings"),
}
"""What configurations call them."""
_UNGATED: Final = frozenset({
    "gpt2", "gpt_bigcode", "gpt_neo", "gptj", "codegen", "gpt_neox", "falcon", "bloom", "mpt", "opt", "phi",
    "starcoder2", "nemotron",
})  # fmt: skip
"""Kinds whose feed-forward part has two matrices; those of all others have a third, the gate."""
_TIED: Final = frozenset({
    "gpt2", "gpt_bigcode", "gpt_neo", "falcon", "bloom", "mpt", "opt", "gemma", "gemma2", "gemma3",
    "gemma3_text", "cohere", "cohere2",
})  # fmt: skip
"""Kinds whose head is the embedding where their configuration does not say."""
_POSITIONED: Final = frozenset({"gpt2", "gpt_bigcode", "gpt_neo", "opt"})
"""Kinds with a table of learnt positions."""


_PLAIN: Final = frozenset({"gpt_neo", "gptj", "codegen", "bloom", "mpt", "gemma2"})
"""Kinds that write their attention out: every head's scores of all pairs of tokens are kept."""
_SPELT: Final = frozenset({"gelu_new", "gelu_fast", "quick_gelu"})
"""Activations that are spelt out in steps, each of which keeps something."""
_SPELLING: Final = frozenset({"gpt2", "gpt_neo", "gptj", "codegen", "phi"})
"""Kinds that have such an activation where their configuration does not say."""
_ONE_NORM: Final = frozenset({"phi", "gptj", "codegen", "cohere"})


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a transformer that decodes."""

    kind: str
    """The configuration's `model_type`."""
    hidden: int
    layers: int
    heads: int
    key_heads: int
    """Heads of keys and values."""
    head: int
    """Width of one head."""
    inner: int
    """Width of the feed-forward part."""
    vocabulary: int
    positions: int
    """Rows of the table of learnt positions, 0 where there is none."""
    tied: bool
    gated: bool
    alibi: bool
    plain: bool
    """Its attention is written out in plain products."""
    spelt: bool
    """Its activation is spelt out in steps."""
    dropping: bool
    """Its attention drops some scores while it learns, which no kernel of the CPU does."""
    capped: bool
    """Its logits go through a tanh."""
    norms: int
    """Norms of a block."""
    experts: int = 1
    active: int = 1
    """Experts that a token passes."""

    @property
    def queries(self) -> int:
        """Width of all query heads."""
        return self.heads * self.head

    @property
    def keys(self) -> int:
        """Width of all key heads, which is that of all value heads."""
        return self.key_heads * self.head

    @property
    def parameters(self) -> int:
        """Parameters of the base model, within a few in a thousand."""
        tables = self.vocabulary * (1 if self.tied else 2) + self.positions
        return self.layers * (self.matrices + 4 * self.hidden) + tables * self.hidden

    @property
    def matrices(self) -> int:
        """Parameters of the linear layers of a block."""
        attention = self.hidden * (2 * self.queries + 2 * self.keys)
        return attention + self.hidden * self.inner * (3 if self.gated else 2) * self.experts

    @property
    def largest(self) -> int:
        """Parameters of the largest linear layer of a block."""
        return self.hidden * max(self.inner, self.queries)


def facts_in(config: dict[str, Any]) -> Facts | None:
    """The sizes that a configuration tells; None where it is of another kind of model."""
    inner_config = config.get("text_config")
    config = config | (inner_config if isinstance(inner_config, dict) else {})
    kind = str(config.get("model_type", ""))
    found = {name: _first(config, names) for name, names in _NAMES.items()}
    hidden, layers, heads = found["hidden"], found["layers"], found["heads"]
    vocabulary = _first(config, ("vocab_size",))
    if not (hidden and layers and heads and vocabulary):
        return None
    act = config.get("activation_function", config.get("hidden_act", config.get("activation")))
    one = bool(config.get("multi_query")) and not config.get("new_decoder_architecture")
    return Facts(
        kind=kind,
        hidden=hidden,
        layers=layers,
        heads=heads,
        key_heads=1 if one else found["key_heads"] or heads,
        head=_first(config, ("head_dim",)) or hidden // heads,
        inner=found["inner"] or 4 * hidden,
        vocabulary=vocabulary,
        positions=(found["positions"] or 0) if kind in _POSITIONED else 0,
        tied=bool(config.get("tie_word_embeddings", kind in _TIED)),
        gated=kind not in _UNGATED,
        alibi=bool(config.get("alibi")) or kind in ("bloom", "mpt"),
        plain=kind in _PLAIN or one,
        spelt=act in _SPELT if act is not None else kind in _SPELLING,
        dropping=config.get("attn_pdrop", config.get("attention_dropout", 0.1 if kind == "gpt2" else 0)) != 0,
        capped=bool(config.get("final_logit_softcapping", kind == "gemma2")),
        norms=1 if kind in _ONE_NORM else 4 if kind in ("gemma2", "gemma3", "gemma3_text") else 2,
        experts=_first(config, ("num_local_experts", "num_experts", "n_routed_experts")) or 1,
        active=_first(config, ("num_experts_per_tok",)) or 1,
    )


def _first(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of `names` that holds a positive number."""
    found = (config.get(name) for name in names)
    return next((int(v) for v in found if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)
