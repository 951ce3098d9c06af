"""The recipe of a learning-rate range test."""

from __future__ import annotations

from typing import Final

from engine.rate_range import KIND
from engine.recipe import RecipeFile, override
from engine.text import one_line

STEPS: Final = 100
_SETTINGS: Final = {
    "lr_scheduler_type": KIND, "learning_rate": "1", "max_steps": f"{STEPS}", "restart_step": "0",
    "eval_steps": "0", "save_steps": "0", "sample_steps": "0", "load_best_model_at_end": "false",
    "early_stopping_patience": "0", "on_divergence": "stop", "on_failure": "stop",
}  # fmt: skip


def name_of_test(name: str) -> str:
    """What the test of a recipe called `name` is called."""
    return f"{one_line(name, 60)}-rate"


def test_of(recipe: RecipeFile, typed: dict[str, str]) -> RecipeFile:
    """The recipe of the test: rates up to 1 in a hundred steps, unless something else was typed."""
    names = {"run_name": name_of_test(recipe.name)}
    return override(recipe, {**names, **_SETTINGS, **typed, "lr_scheduler_type": KIND})
