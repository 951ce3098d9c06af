"""The answer by the formula: at once, without torch, within a band."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.memory.answer import Answer
from engine.memory.catalogue import config_of
from engine.memory.experience import Experience
from engine.memory.fitting import answered
from engine.memory.formula import predicted
from engine.memory.limit import Limit
from engine.memory.parts import Parts
from engine.model.context import context_in
from engine.problem import Problem
from engine.recipe.adapters import saved_adapter
from engine.recipe.recipe import Recipe
from engine.text import one_line


def priced(recipe: Recipe, env: Mapping[str, str] | None = None) -> tuple[Recipe, dict[str, Any]]:
    """The recipe as training would take it, and its model's configuration.

    Rows end at the model's context, and an adapter to start from has its own rank and layers.

    Raises:
        Problem: nothing is known of the model.
    """
    config = config_of(recipe.model, recipe.model_revision, env)
    if config is None:
        raise unknown(recipe.model)
    length = min(recipe.max_length, context_in(config) or recipe.max_length)
    recipe = replace(recipe, max_length=length)
    if recipe.adapter:
        saved = saved_adapter(Path(recipe.adapter))
        recipe = replace(recipe, lora_r=saved.rank, target_modules=saved.targets, adapter=None)
    return recipe, config


def instant(
    recipe: Recipe,
    config: dict[str, Any],
    limit: Limit,
    note: str = "",
    past: Experience | None = None,
) -> Answer:
    """The answer for a recipe as `priced` gives it.

    Raises:
        Problem: the configuration is of no model that decodes text.
    """

    def price(wanted: Recipe) -> Parts:
        parts = predicted(wanted, config, cuda=limit.cuda)
        if parts is None:
            kind = one_line(str(config.get("model_type", "")), 40)
            raise Problem(
                f"What a model of the kind {kind!r} takes is not known.",
                where=f"config.json of {one_line(recipe.model, 200)}",
                why="Its configuration names no sizes of a decoder.",
                do="Choose a causal language model.",
            )
        return parts

    return answered(recipe, price, limit, exact=False, note=note, past=past)


def unknown(model: str) -> Problem:
    """That there is no configuration to price."""
    return Problem(
        f"Nothing is known of the model {one_line(model, 200)!r}.",
        where="recipe: model",
        why="It is no folder with a config.json, not in the hub's cache, and not in the catalogue.",
        do="Fetch it with `openlora pull`, or name a folder that has its config.json; no weights are needed.",
    )
