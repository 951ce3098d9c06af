"""Each name of `target_modules`, held against the layers that the model has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from engine.data.refusal import Refusal
from engine.findings import Finding, Patch
from engine.model.architectures import ARCHITECTURES, FUSED
from engine.model.choice import GROUPS, Layers, ending, names_of, patterned, unknown_name
from engine.model.choice import chosen as choose
from engine.model.headers import Shape
from engine.model.layers import kind_of
from engine.preflight.findings import refused
from engine.preflight.patches import patch
from engine.preflight.subject import Subject
from engine.recipe.fields import nearest

_ATTENTION: Final = frozenset({
    "q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "qkv_proj", "c_attn", "query_key_value", "Wqkv",
    "dense", "query", "key", "value", "W_pack", "wq", "wk", "wv", "wo", "to_q", "to_k", "to_v",
})  # fmt: skip
_MLP: Final = frozenset({
    "gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2", "c_fc", "fc_in", "fc_out",
    "dense_h_to_4h", "dense_4h_to_h", "w1", "w2", "w3",
})  # fmt: skip
"""What projections are called in one architecture or another."""


_ON_LAYERS: Final = ("lora", "adalora", "vera", "ia3")
_SILENT: Final = "peft complains only where no name matches: it would pass over this one in silence."


def look(subject: Subject) -> Iterator[Finding]:
    """Names that match nothing, and what is odd about layers that are matched."""
    layers, wanted = subject.layers, subject.recipe.target_modules
    if layers is None or subject.recipe.adapter or subject.recipe.method not in _ON_LAYERS:
        return
    if subject.recipe.method == "ia3" and wanted == "all-linear":
        return  # keys, values and the MLP's end, by the table of architectures
    unknown: list[str] = []
    if wanted not in GROUPS:
        try:
            names = names_of(layers, wanted)
        except Refusal as refusal:
            yield refused(refusal, change=patch(subject.recipe, target_modules="all-linear"))
            return
        unknown = [name for name in names if not layers.called(name)]
        change = _mended(names, subject, layers)
        yield from (_unknown(name, change, subject, layers) for name in unknown)
    if not unknown:
        yield from _as_a_whole(subject, layers)


def _as_a_whole(subject: Subject, layers: Layers[Shape]) -> Iterator[Finding]:
    recipe = subject.recipe
    try:
        choice = choose(layers, recipe.target_modules, recipe.exclude_modules, recipe.layers_to_transform)
        for field in ("rank_pattern", "alpha_pattern"):
            patterned(choice.layers, getattr(recipe, field), field)
    except Refusal as refusal:
        field = refusal.where.removeprefix("recipe: ")
        default = "all-linear" if field == "target_modules" else type(getattr(recipe, field))()
        yield refused(refusal, sure=subject.sure, change=patch(recipe, **{field: default}))
        return
    yield from _outside(subject, layers, choice.names)
    yield from _fused(choice.names)
    if layers.experts:
        yield Finding(
            category="rank_sufficiency",
            severity="note",
            title="The experts carry no adapter",
            evidence=[f"adapted: {', '.join(choice.names)}"],
            cause="Their weights lie in one tensor for all of them, which is no linear layer.",
            remedy="Nothing: attention and shared layers learn. A dense model learns in all its layers.",
        )


def _mended(names: list[str], subject: Subject, layers: Layers[Shape]) -> Patch:
    """One change for all of the names: those that are wrong replaced by what was meant, or left out."""
    meant = [other for name in names for other in ([name] if layers.called(name) else _instead(name, layers))]
    return patch(subject.recipe, target_modules=list(dict.fromkeys(meant)) or "all-linear")


def _unknown(name: str, change: Patch, subject: Subject, layers: Layers[Shape]) -> Finding:
    instead, is_there = _instead(name, layers), kind_of(name, subject.tensors)
    said = f"Did you mean {', '.join(instead)}?" if instead else "Leave it out, or name another."
    found = refused(unknown_name(f"No layer of the model is called {name}.", layers, said), sure=subject.sure)
    cause = f"{name} is {is_there}, which takes no adapter." if is_there else _SILENT
    counts = [f"{other} {len(layers.called(other)):,}" for other in _listed(layers)]
    return msgspec.structs.replace(
        found,
        evidence=[f"linear layers: {', '.join(counts)}"],
        cause=cause if subject.sure else f"{cause} transformers may rename them for {subject.kind}.",
        patch=change,
    )


def _listed(layers: Layers[Shape]) -> list[str]:
    parts = ARCHITECTURES.get(layers.kind)
    names = [*parts.attention, *parts.mlp] if parts else []
    return names if names and all(ending(name, layers.inside) for name in names) else layers.short_names()


def _instead(name: str, layers: Layers[Shape]) -> list[str]:
    """What a person may have meant: a name like it, else what does its work in this architecture."""
    short, parts = name.rpartition(".")[2], ARCHITECTURES.get(layers.kind)
    near = nearest(name, tuple(layers.short_names()))
    if near and short not in _ATTENTION | _MLP:
        return [near]
    if parts and short in _ATTENTION:
        return list(parts.attention)
    if parts and short in _MLP:
        return list(parts.mlp)
    return [near] if near else []


def _outside(subject: Subject, layers: Layers[Shape], names: list[str]) -> Iterator[Finding]:
    """Names that only match what is not the text decoder."""
    for name in names:
        if ending(name, layers.inside):
            continue
        if not name.endswith("lm_head"):
            title = f"{name} is no layer of the text decoder"
            evidence = sorted(ending(name, layers.outside))[:3]
            cause = "It belongs to a part that sees or hears, and no text reaches it: it learns nothing."
            yield Finding(category="target_modules_not_found", severity="warning", title=title,
                          evidence=evidence, cause=cause, remedy="Leave the name out.",
                          patch=_without(name, names, subject))  # fmt: skip
        elif subject.config.get("tie_word_embeddings", subject.kind in ("gpt2", "gemma", "gemma2")):
            yield Finding(
                category="merge_mismatch",
                severity="warning",
                title="lm_head is tied to the embeddings: an adapter on it cannot be merged",
                evidence=["config.json: tie_word_embeddings is true"],
                cause="Both are one tensor: merging would change what the model reads, too.",
                remedy="Leave lm_head out: the other layers learn what it would.",
                patch=_without(name, names, subject),
            )


def _without(name: str, names: list[str], subject: Subject) -> Patch:
    return patch(subject.recipe, target_modules=[other for other in names if other != name] or "all-linear")


def _fused(names: list[str]) -> Iterator[Finding]:
    fused = [name for name in names if name.rpartition(".")[2] in FUSED]
    if fused:
        yield Finding(
            category="rank_sufficiency",
            severity="note",
            title=f"{', '.join(fused)} {'is' if len(fused) == 1 else 'are'} several projections in one",
            cause="The parts share one adapter, and its rank, where other models have one each.",
            remedy="Nothing; where the loss stays high, a larger lora_r makes up for it.",
        )
