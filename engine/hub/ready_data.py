"""The datasets of a run that come from the hub: what is here of them, and their commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from engine.events import Event
from engine.hub.datasets import dataset_folder
from engine.hub.ready import bound, ready
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.run_dir import PinnedData, RunDir
from engine.sources.entry import Entry, is_dataset, short
from engine.sources.resolve import PLACED, NotHere, Purpose, resolve

FETCHING_DATA = "fetching data"
"""The phase in which a run's datasets come from the hub."""


def bound_recipe(directory: RunDir, recipe: Recipe) -> Recipe:
    """The recipe with each dataset at the commit that the run is bound to; its other paths are absolute."""
    pins = {(pin.purpose, pin.asked): pin.bound for pin in directory.pinned_data()}

    def bound(entries: list[Entry], purpose: Purpose) -> list[str | Entry]:
        return [short(pins.get((purpose, entry), entry)) for entry in entries]

    return msgspec.structs.replace(
        recipe,
        data=bound(recipe.data_entries, "train"),
        eval_data=bound(recipe.eval_entries, "eval") or None,
    )


def missing_datasets(
    directory: RunDir, recipe: Recipe, env: Mapping[str, str] | None = None
) -> Iterator[tuple[Entry, Purpose]]:
    """The datasets that have to be fetched, in order; those that the run is bound to at their commit."""
    recipe = bound_recipe(directory, recipe)
    for entry, purpose in _datasets(recipe):
        try:
            resolve([entry], purpose, folder=PLACED, env=env)
        except NotHere:
            yield entry, purpose
        except Problem:
            continue  # whoever reads the data says it


def bound_here(directory: RunDir, recipe: Recipe, env: Mapping[str, str] | None = None) -> list[Event] | None:
    """Bind the run to the model that lies here; None where it or a dataset has to be fetched first.

    Returns:
        The events that say so, none where it was bound already.
    """
    folder = ready(directory, recipe, env)
    if folder is None or any(missing_datasets(directory, recipe, env)):
        return None
    return bound(directory, recipe, folder)


def bind_datasets(
    directory: RunDir, recipe: Recipe, fetched: Mapping[Entry, Entry] | None = None
) -> list[str]:
    """Bind the run to the commits of its datasets, which are here; what to say of those not bound yet.

    Args:
        fetched: for entries that were fetched just now, the entry that names exactly what has come.
    """
    pins = {(pin.purpose, pin.asked): pin for pin in directory.pinned_data()}
    said = []
    for entry, purpose in _datasets(recipe):
        if (purpose, entry) in pins and not (fetched and entry in fetched):
            continue
        bound = (fetched or {}).get(entry) or _at_commit(entry)
        if bound is None:
            continue
        pins[purpose, entry] = PinnedData(asked=entry, purpose=purpose, bound=bound)
        said.append(f"{entry.path} at commit {(bound.revision or '')[:12]}")
    if said:
        directory.pin_data(list(pins.values()))
    return said


def _datasets(recipe: Recipe) -> Iterator[tuple[Entry, Purpose]]:
    for entry in recipe.data_entries:
        if is_dataset(entry.path, PLACED):
            yield entry, "train"
    for entry in recipe.eval_entries:
        if is_dataset(entry.path, PLACED):
            yield entry, "eval"


def _at_commit(entry: Entry) -> Entry | None:
    folder = dataset_folder(entry.path, entry.revision)
    return None if folder is None else msgspec.structs.replace(entry, revision=folder.name)
