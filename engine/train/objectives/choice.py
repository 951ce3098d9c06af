"""The objective that a recipe names."""

from __future__ import annotations

from engine.recipe.recipe import Recipe
from engine.train.objectives.objective import Objective
from engine.train.objectives.preference import Dpo, Orpo
from engine.train.objectives.supervised import Supervised


def objective_of(recipe: Recipe) -> Objective:
    """What `recipe.objective` means, with the fields that belong to it."""
    if recipe.objective == "dpo":
        return Dpo(recipe.beta, recipe.loss_type)
    if recipe.objective == "orpo":
        return Orpo(recipe.beta)
    return Supervised()
