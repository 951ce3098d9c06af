"""The paths of a recipe: made absolute for a run, and looked at before one is started."""

from __future__ import annotations

from pathlib import Path

from engine.problem import Problem
from engine.recipe.yaml import RecipeFile, changed


def absolute_text(recipe: RecipeFile) -> str:
    """The recipe's text with every local path absolute, as a run keeps it."""
    resolved = recipe.resolved()
    values: dict[str, object] = {"model": resolved.model, "data": resolved.data}
    for name in ("eval_data", "adapter", "output_dir"):
        value = getattr(resolved, name)
        if value is not None:
            values[name] = value
    return changed(recipe, values).text


def check_paths(recipe: RecipeFile) -> None:
    """Say at once, not minutes later, that a file of the recipe is not there."""
    resolved = recipe.resolved()
    where = str(recipe.path or "recipe")
    for name, files in (("data", resolved.data_files), ("eval_data", resolved.eval_files)):
        for file in files:
            if not Path(file).exists():
                raise Problem(
                    f"`{name}`: there is no file {file}.",
                    where=where,
                    do="Paths start at the recipe's folder.",
                )
    written = recipe.recipe.model
    if written.startswith((".", "/", "~")) and not Path(resolved.model).is_dir():
        raise Problem(
            f"`model`: there is no folder {resolved.model}.",
            where=where,
            do="Name a model folder, or a hub id.",
        )
