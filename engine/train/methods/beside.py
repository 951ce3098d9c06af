"""Modules that learn all their weights beside the adapter."""

from __future__ import annotations

from typing import NamedTuple

from transformers import PreTrainedModel

from engine.data.refusal import Refusal
from engine.nearest import nearest


class Beside(NamedTuple):
    """What peft is told of `modules_to_save`."""

    names: list[str] | None
    tied: bool
    """Whether embeddings and head, which are one in this model, are among them and have to stay one."""


def learning_whole(base: PreTrainedModel, wanted: list[str]) -> Beside:
    """The modules of `base` that `modules_to_save` names.

    Where embeddings and head are one, peft keeps them so only if it is told of the head.

    Raises:
        Refusal: a name that no module has, which peft would pass over in silence.
    """
    paths = [path for path, module in base.named_modules() if path and any(True for _ in module.parameters())]
    for name in wanted:
        if not any(f".{path}".endswith(f".{name}") for path in paths):
            raise _unknown(name, paths)
    ends = [_path(base, base.get_input_embeddings()), _path(base, base.get_output_embeddings())]
    meant = {name for name in wanted if any(f".{end}".endswith(f".{name}") for end in ends)}
    tied = bool(meant) and bool(getattr(base.config.get_text_config(), "tie_word_embeddings", False))
    if not tied:
        return Beside(list(wanted) or None, tied=False)
    head = ends[1].rpartition(".")[2]
    return Beside([head, *(name for name in wanted if name not in meant)], tied=True)


def _path(base: PreTrainedModel, module: object) -> str:
    return next((path for path, one in base.named_modules() if one is module), "")


def _unknown(name: str, paths: list[str]) -> Refusal:
    short = sorted({path.rpartition(".")[2] for path in paths if not path.rpartition(".")[2].isdigit()})
    near = nearest(name, tuple(short))
    return Refusal(
        "target_modules_not_found",
        f"modules_to_save: no module of the model is called {name}.",
        where="recipe: modules_to_save",
        why=f"Its modules are called: {', '.join(short)}.",
        do=f"Did you mean {near}?" if near else "Use these names, or leave it out.",
    )
