"""The paths of a recipe: made absolute for a run, and looked at before one is started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from engine import paths, reading
from engine.hub.cache import snapshot
from engine.hub.names import is_hub_id, is_revision
from engine.past_runs import adapter_of_run
from engine.problem import Problem
from engine.recipe.adapters import prove_fit, saved_adapter
from engine.recipe.fields import nearest
from engine.recipe.models import prove_kind
from engine.recipe.recipe import Recipe
from engine.recipe.yaml import RecipeFile, changed, written_as_path
from engine.sources.entry import Entry, short
from engine.sources.resolve import PLACED, NotHere, resolve
from engine.templates.registry import ALL, NAMES, is_file
from engine.text import one_line
from engine.trust import is_trusted

PATHS: Final = ("model", "data", "eval_data", "adapter", "output_dir", "chat_template")
"""Fields that hold paths, which start at the recipe's folder."""


def placed(recipe: RecipeFile) -> Recipe:
    """The recipe with every local path absolute, and the run that `adapter` names in place of its name.

    Raises:
        Problem: that run is not there, or left no adapter.
    """
    resolved = recipe.resolved()
    if resolved.adapter is None or written_as_path(resolved.adapter):
        return resolved
    return msgspec.structs.replace(resolved, adapter=str(adapter_of_run(paths.home(), resolved.adapter)))


def absolute_text(recipe: RecipeFile) -> str:
    """The recipe's text with every local path absolute, as a run keeps it."""
    resolved = placed(recipe)
    values: dict[str, object] = {"model": resolved.model, "data": resolved.data}
    for name in PATHS[2:]:
        value = getattr(resolved, name)
        if value is not None:
            values[name] = value
    return changed(recipe, values).text


def moved(recipe: RecipeFile, folder: Path) -> RecipeFile:
    """The recipe as a file in `folder` says it: relative paths lead to where they led."""
    folder = folder.absolute()
    if folder == recipe.folder:
        return recipe
    resolved = recipe.resolved()
    given = {name: getattr(resolved, name) for name in PATHS}
    return changed(recipe, {name: near(value, folder) for name, value in given.items() if value is not None})


def near(value: Any, folder: Path) -> Any:
    """Absolute paths as a recipe in `folder` says them; names of models and runs stay as they are."""
    if isinstance(value, Entry):
        return short(msgspec.structs.replace(value, path=near(value.path, folder)))
    if isinstance(value, list):
        found = [near(item, folder) for item in value]
        return found[0] if len(found) == 1 else found
    path = Path(value)
    return f"./{path.relative_to(folder)}" if path.is_absolute() and path.is_relative_to(folder) else value


def check_paths(recipe: RecipeFile) -> None:
    """Say at once, not minutes later, that a file of the recipe is not there."""
    for _, problem in missing_paths(recipe):
        raise problem


def missing_paths(recipe: RecipeFile) -> Iterator[tuple[str, Problem]]:
    """The fields whose files or folders are not there, each with what is wrong."""
    resolved = recipe.resolved()
    where = str(recipe.path or "recipe")
    for name, entries in (("data", resolved.data_entries), ("eval_data", resolved.eval_entries)):
        problem = _missing_data(name, entries, where)
        if problem is not None:
            yield name, problem
    is_file = os.path.exists(resolved.model) and not os.path.isdir(resolved.model)
    if is_file:
        what = f"`model`: {one_line(resolved.model, 200)} is no folder."
        yield "model", Problem(what, where=where, do="Name the folder that holds the model's config.json.")
    elif not os.path.isdir(resolved.model) and not is_hub_id(recipe.recipe.model):
        what = f"`model`: there is no folder {one_line(resolved.model, 200)}."
        do = "Name a model folder, or a hub id."
        if "@" in recipe.recipe.model:
            do += " A hub model's revision goes into `model_revision`."
        yield "model", Problem(what, where=where, do=do)
    elif os.path.isdir(resolved.model):
        try:
            prove_kind(Path(resolved.model))
        except Problem as problem:
            yield "model", problem
    revision = recipe.recipe.model_revision
    if revision is not None and not is_revision(revision):
        what = f"`model_revision`: {one_line(revision, 80)} can be no branch, tag or commit."
        yield "model_revision", Problem(what, where=where, do="Name one as the hub shows it, such as main.")
    template = resolved.chat_template
    untold = _untemplate(template, where) if template is not None else None
    if untold is not None:
        yield "chat_template", untold
    for field, check in (("adapter", _check_adapter), ("trust_remote_code", _check_trust)):
        try:
            check(placed(recipe))
        except Problem as problem:
            problem.where = problem.where or where
            yield field, problem
            return


def _missing_data(name: str, entries: list[Entry], where: str) -> Problem | None:
    try:
        files = resolve(entries, "train" if name == "data" else "eval", folder=PLACED).files
    except NotHere:
        return None  # it is fetched before all else
    except Problem as problem:
        what = f"`{name}`: {problem.where}: {problem.what[:1].lower()}{problem.what[1:]}"
        return Problem(what, where=where, why=problem.why, do=problem.do)
    return next(filter(None, (_unreadable(name, str(file.path), where) for file in files)), None)


def _unreadable(name: str, file: str, where: str) -> Problem | None:
    try:
        reading.opened(Path(file)).close()
    except FileNotFoundError:
        what = f"`{name}`: there is no file {one_line(file, 200)}."
        return Problem(what, where=where, do="Paths start at the recipe's folder.")
    except OSError as error:
        what = f"`{name}`: {one_line(file, 200)} cannot be read."
        return Problem(
            what, where=where, why=f"{error.strerror or error}.", do="Name a file that you may read."
        )
    return None


def _untemplate(name: str, where: str) -> Problem | None:
    if is_file(name):
        return _unreadable("chat_template", name, where)
    if name in ALL:
        return None
    near = nearest(name, ALL)
    return Problem(
        f"`chat_template`: there is no template {one_line(name, 80)}.",
        where=where,
        do=f"Did you mean {near}?" if near else f"Name a Jinja file, or one of: {', '.join(NAMES)}.",
    )


def _check_adapter(recipe: Recipe) -> None:
    if recipe.adapter is None:
        return
    saved, model = saved_adapter(Path(recipe.adapter)), _model_here(recipe)
    if model is not None:
        prove_fit(saved, model)


def _check_trust(recipe: Recipe) -> None:
    model = _model_here(recipe)
    if recipe.trust_remote_code is not None and model is not None:
        is_trusted(recipe.trust_remote_code, recipe.model, model)


def _model_here(recipe: Recipe) -> Path | None:
    folder = Path(recipe.model)
    return folder if folder.is_absolute() else snapshot(recipe.model, recipe.model_revision)
