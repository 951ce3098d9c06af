"""Which of a repository's files training needs: one set of weights, and the small files around it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from engine.data.refusal import Refusal

INDEX: Final = ".index.json"
_SMALL: Final = re.compile(
    r"[^/]+\.(json|jinja|model|txt|tiktoken)|additional_chat_templates/[^/]+\.jinja", re.ASCII
)
"""Configuration, tokenizer and chat templates: none is large, and each may be read."""
_FOREIGN: Final = re.compile(r"\.(gguf|onnx|h5|msgpack|pth|ot|npz|safetensors|bin)$")


def small_files(names: Collection[str], *, code: bool = False) -> list[str]:
    """Configuration, tokenizer and template files; indexes of weights are chosen with their weights.

    With `code` the model's own Python files come too, to be read; nothing runs for having come.
    """
    chosen = {name for name in names if _SMALL.fullmatch(name) and not name.endswith(INDEX)}
    return sorted(chosen | {name for name in names if code and name.endswith(".py")})


def weights_of(model: str, names: Collection[str]) -> str:
    """The file of weights to take, or the index that names its parts; safetensors before all else.

    Raises:
        Refusal: there are no weights that could be trained, and what there is in their place.
    """
    for name in ("model.safetensors", "pytorch_model.bin"):
        for candidate in (name, name + INDEX):
            if candidate in names:
                return candidate
    if "adapter_config.json" in names:
        raise Refusal(
            "other",
            f"{model} is an adapter, not a model.",
            where=model,
            do="Name its base model in `model`, and a folder with the adapter in `adapter`.",
        )
    foreign = sorted(name for name in names if _FOREIGN.search(name))
    raise Refusal(
        "other",
        f"{model} has no weights that can be trained.",
        where=model,
        why=f"It holds {', '.join(foreign[:3])}." if foreign else "It holds no file of weights.",
        do="Name the repository of the original model, with model.safetensors.",
    )
