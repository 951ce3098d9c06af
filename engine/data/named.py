"""Finds a model's tokenizer by the name that a person gives: a folder, or a hub id in the cache here."""

from __future__ import annotations

import os
from pathlib import Path

from engine.data.refusal import Refusal
from engine.data.rules import AS_THE_MODEL, Rules
from engine.data.tokenizer import ModelTokenizer
from engine.hub.cache import commit_of, repository
from engine.hub.names import MAIN, is_hub_id


def tokenizer_of(model: str, rules: Rules = AS_THE_MODEL) -> ModelTokenizer:
    """The tokenizer of `model`, used by `rules`; nothing is fetched for it.

    Raises:
        Refusal: there is no such model on this machine, or its tokenizer cannot be read.
    """
    folder = Path(os.path.expanduser(model))
    if os.path.isdir(folder):
        return ModelTokenizer(folder, rules=rules)
    if folder.is_absolute() or model.startswith((".", "~")) or not is_hub_id(model):
        raise Refusal(
            "template_or_special_tokens",
            "There is no model there.",
            where=model,
            do="Name a model's folder, or a hub id such as Qwen/Qwen2.5-0.5B.",
        )
    cached = repository(model)
    snapshot = cached / "snapshots" / (commit_of(cached, MAIN) or "none")
    if (snapshot / "tokenizer.json").is_file():
        return ModelTokenizer(snapshot, rules=rules)
    raise Refusal(
        "template_or_special_tokens",
        "The model's tokenizer is not on this machine.",
        where=model,
        why="It is neither a folder nor in the Hugging Face cache.",
        do=f"Fetch it: openlora pull {model}",
    )
