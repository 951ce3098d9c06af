"""The folder with a run's model: the recipe's own, or the hub's at the commit that the run is bound to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.events import Event, Fetched
from engine.hub.cache import bytes_of, is_whole, snapshot
from engine.hub.names import is_hub_id
from engine.recipe.recipe import Recipe
from engine.run_dir import Pinned, RunDir

FETCHING: Final = "fetching model"
"""The phase in which a run's model comes from the hub."""


def ready(directory: RunDir, recipe: Recipe, env: Mapping[str, str] | None = None) -> Path | None:
    """The folder with the model of a run, None where it, or a part of it, has to be fetched first.

    Args:
        recipe: the run's, with every path absolute.
        env: the variables of the run's job, which say where its cache lies.
    """
    if not is_hub_id(recipe.model):
        return Path(recipe.model)
    pinned = pinned_to(directory, recipe)
    if pinned is None:
        return snapshot(recipe.model, recipe.model_revision, env)
    folder = Path(pinned.path)
    return folder if is_whole(folder) else snapshot(recipe.model, pinned.revision, env)


def pinned_to(directory: RunDir, recipe: Recipe) -> Pinned | None:
    """What the run began with, unless its recipe names another model since."""
    pinned = directory.pinned()
    asked = (recipe.model, recipe.model_revision)
    return pinned if pinned is not None and (pinned.model, pinned.asked) == asked else None


def bound(directory: RunDir, recipe: Recipe, folder: Path) -> list[Event]:
    """Bind the run to a folder of the hub's cache; the event that says so, unless it was bound already."""
    if not is_hub_id(recipe.model):
        return []
    pinned = Pinned(model=recipe.model, asked=recipe.model_revision, revision=folder.name, path=str(folder))
    if directory.pinned() == pinned:
        return []
    directory.pin(pinned)
    return [Fetched(model=recipe.model, revision=folder.name, path=str(folder), bytes=bytes_of(folder))]
