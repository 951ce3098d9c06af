"""Which run a run comes from: the adapter or the model that it starts from lies in another run's folder."""

from __future__ import annotations

from pathlib import Path

from engine import events as ev
from engine.past_runs import created, holder_of, maker_of
from engine.recipe.recipe import Recipe
from engine.run_dir import RunDir


def first_event(directory: RunDir, name: str, recipe: Recipe) -> ev.Created:
    """What the first line of a new run says; the paths of `recipe` are absolute."""
    ancestors = lineage(directory.root, recipe)
    return ev.Created(
        run=directory.run,
        name=name,
        model=recipe.model,
        data=[str(entry) for entry in recipe.data_entries],
        steps=max(recipe.max_steps, 0),
        parent=ancestors[0] if ancestors else None,
        lineage=ancestors,
    )


def lineage(root: Path, recipe: Recipe) -> list[str]:
    """The runs that a run of `recipe` comes from: its parent, the parent's parent, and so on to the first."""
    parent = maker_of(root, recipe.adapter) if recipe.adapter else None
    parent = parent or holder_of(root, recipe.model)
    if parent is None:
        return []
    first = created(RunDir(root, parent))
    return [parent, *(first.lineage if first else [])]
