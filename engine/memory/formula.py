"""The peak of a run's memory by arithmetic alone: at once, and within a band around the exact figure."""

from __future__ import annotations

from typing import Any, Final

from engine.memory.facts import Facts, facts_in
from engine.memory.held import held
from engine.memory.parts import Parts
from engine.memory.widths import widths
from engine.model.architectures import ARCHITECTURES, FUSED
from engine.recipe.recipe import Recipe

BAND: Final = (0.85, 1.2)
"""The exact figure over this one; tests/benchmarks/estimate.py prints where it lies."""
CONTEXT: Final = 512 << 20
"""Bytes that a process takes of a card for CUDA and its libraries."""
CHUNK: Final = {True: 1 << 26, False: 1 << 23}
"""Logits of a chunk of the loss, on a card and on a CPU, in whose cache their 32 MiB stay."""
SLACK: Final = 0.04
"""What the allocator of a card holds beyond what tensors need, as a share of what comes and goes."""


def predicted(recipe: Recipe, config: dict[str, Any], *, cuda: bool) -> Parts | None:
    """The parts of the peak of a run of `recipe` on a card, or on a CPU; None for a model of another kind.

    Priced is a micro-batch of rows of `max_length` tokens, all of which have labels.
    """
    facts = facts_in(config)
    if facts is None:
        return None
    width = widths(recipe, cuda=cuda)
    rows, length = recipe.per_device_train_batch_size, recipe.max_length
    adapter = 4 * adapted_blocks(recipe, facts.layers) * recipe.lora_r
    adapter *= sum(map(sum, _adapted(recipe, facts).values()))
    scores = rows * length * facts.vocabulary
    logits = 16 * scores if facts.capped else (8 if cuda else 10) * min(scores, CHUNK[cuda])
    activations = _activations(recipe, facts, rows, length, cuda=cuda)
    parts = Parts(
        weights=width.weights * facts.parameters,
        adapter=adapter,
        optimizer=2 * adapter,
        gradients=adapter,
        activations=activations,
        logits=logits,
        allocator=allocator(activations + logits + adapter) if cuda else 0,
    )
    return held(parts, recipe, facts, width.weights)


def allocator(moving: int) -> int:
    """What a card and its allocator take where tensors of `moving` bytes come and go."""
    return CONTEXT + int(SLACK * moving)


def _adapted(recipe: Recipe, facts: Facts) -> dict[str, tuple[int, int]]:
    """The adapted matrices of a block by name, each with its two sizes."""
    shapes = _shapes(facts)
    parts = ARCHITECTURES.get(facts.kind)
    wanted = recipe.target_modules
    if not isinstance(wanted, str):
        names = [name for name in wanted if name in shapes]
    elif parts is None:
        plain = ("q_proj", "k_proj", "v_proj", "o_proj")
        names = [*plain, *(("gate_proj",) if facts.gated else ()), "up_proj", "down_proj"]
    else:
        names = [*parts.attention, *(parts.mlp if wanted != "attention" else ())]
    return {name: shapes[key] for name in names if (key := name.removeprefix("mlp.")) in shapes}


def _shapes(facts: Facts) -> dict[str, tuple[int, int]]:
    """The matrices of a block by the names that architectures give them."""
    hidden, queries, keys, inner = facts.hidden, facts.queries, facts.keys, facts.inner
    fused, out = (hidden, queries + 2 * keys), (queries, hidden)
    up, down = (hidden, inner), (inner, hidden)
    return {
        "q_proj": (hidden, queries),
        **dict.fromkeys(("k_proj", "v_proj"), (hidden, keys)),
        **dict.fromkeys(("qkv_proj", "query_key_value", "Wqkv", "attn.c_attn", "c_attn"), fused),
        **dict.fromkeys(("o_proj", "out_proj", "attn.c_proj", "self_attn.dense", "attention.dense",
                         "self_attention.dense"), out),
        **dict.fromkeys(("gate_proj", "up_proj", "fc1", "c_fc", "fc_in", "dense_h_to_4h"), up),
        "gate_up_proj": (hidden, 2 * inner),
        **dict.fromkeys(("down_proj", "fc2", "c_proj", "fc_out", "dense_4h_to_h"), down),
    }  # fmt: skip


def _activations(recipe: Recipe, facts: Facts, rows: int, length: int, *, cuda: bool) -> int:
    """What the forward pass leaves behind; with checkpointing the inputs of all blocks and one block whole.

    A block keeps of each token the inputs of its norms, of its adapted layers (in 16 bits a copy for
    each), queries, keys, values and their outcome, and what the feed-forward part multiplies. Where attention
    is no kernel of its own, the scores of all pairs of tokens come on top.
    """
    width = widths(recipe, cuda=cuda)
    narrow, adapted = width.compute < 4, _adapted(recipe, facts)
    fused = any(name.rpartition(".")[2] in FUSED for name in adapted)
    fed = (1 if fused else 3) + (2 if facts.gated else 1) if narrow else facts.norms
    norms = facts.norms * (2 if narrow else 1)
    forward = 4 if facts.gated else (2 if narrow else 5) if facts.spelt else 2
    token = (fed + norms) * facts.hidden + 5 * facts.queries + forward * facts.inner * facts.active
    dropped = (1 if narrow else 5) * sum(taken for taken, _ in adapted.values()) if recipe.lora_dropout else 0
    pairs = width.compute * rows * facts.heads * length * length
    kept = 2 if facts.dropping and not cuda else (2 if narrow else 1) if facts.plain else 0
    block = rows * length * (width.compute * token + dropped) + kept * pairs
    once = pairs if facts.alibi and not facts.plain else 0
    passed = passed_back(recipe, facts.layers)
    if recipe.gradient_checkpointing:
        return rows * length * width.compute * facts.hidden * passed + block // 2 + once
    return block * passed + once


def adapted_blocks(recipe: Recipe, layers: int) -> int:
    """How many of a model's blocks carry an adapter."""
    return len([block for block in set(recipe.layers_to_transform) if block < layers]) or layers


def passed_back(recipe: Recipe, layers: int) -> int:
    """Through how many blocks the gradient goes: those below the lowest adapter keep nothing for it."""
    return layers - min((block for block in recipe.layers_to_transform if block < layers), default=0)
