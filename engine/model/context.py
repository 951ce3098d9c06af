"""How many tokens a model was made for, by its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.data.refusal import Refusal
from engine.findings import Finding, Patch
from engine.json_file import read_object

_NAMES: Final = (
    "max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "max_seq_len", "seq_length",
)  # fmt: skip
"""What configurations call the number of positions."""
_SCALED_ALREADY: Final = frozenset({"default", "llama3", "longrope", "su", "mrope", "proportional"})
"""Kinds of rope scaling whose configurations name the positions after it (as vLLM reads them)."""


def context_of(folder: Path) -> int | None:
    """Positions that the model in `folder` was made for, None where its configuration does not say.

    Raises:
        Refusal: the configuration is there and cannot be read.
    """
    path = folder / "config.json"
    try:
        return context_in(read_object(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        do = "Get the model's files again."
        raise Refusal(
            "other", "The model's config.json cannot be read.", where=str(path), why=f"{error}.", do=do
        ) from None


def context_in(config: dict[str, Any]) -> int | None:
    """The positions that a configuration allows for, stretched where it scales its rope."""
    inner = config.get("text_config")
    config = config | (inner if isinstance(inner, dict) else {})
    found = next((config[name] for name in _NAMES if isinstance(config.get(name), int)), None)
    return None if found is None else max(int(found), _stretched(config, int(found)))


def _stretched(config: dict[str, Any], positions: int) -> int:
    """What transformers' documentation says of `factor`: positions before the scaling, times it."""
    scaling = config.get("rope_scaling") or config.get("rope_parameters")
    if not isinstance(scaling, dict):
        return positions
    kind, factor = scaling.get("rope_type", scaling.get("type", "default")), scaling.get("factor")
    if kind in _SCALED_ALREADY or not isinstance(factor, (int, float)) or not 1 < factor < 1e6:
        return positions
    before = scaling.get("original_max_position_embeddings", config.get("original_max_position_embeddings"))
    return int((before if isinstance(before, int) else positions) * factor)


def cut_at_context(max_length: int, context: int) -> Finding:
    """That rows are cut below the recipe's `max_length`, where the model's context ends."""
    return Finding(
        category="truncation",
        severity="note",
        title=f"Rows are cut at {context:,} tokens, the model's context, which is below max_length",
        cause="The model has no positions beyond its context.",
        remedy=f"Set max_length: {context} to make this note go away.",
        patch=Patch(label=f"max_length {max_length} -> {context}", recipe={"max_length": context}),
    )
