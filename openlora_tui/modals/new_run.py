"""Starting a run: pick a recipe, or let one be written from a data file and a model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from engine.problem import Problem
from openlora_tui.modals import recipes
from openlora_tui.modals.chooser import Chooser, Question


async def pick_recipe(app: App[Any], folder: Path) -> Path | None:
    """The recipe that a person chose or had written; None where they thought better of it.

    Raises:
        Problem: a recipe that was to be written cannot be.
    """
    question = Question(
        title="Start a run",
        prompt="filter, or type the path of a recipe",
        empty="There is no recipe in this folder; type a path.",
        options=partial(recipes.recipes, folder),
        typed=partial(recipes.typed_recipe, folder=folder),
        act="start",
    )
    chosen = await app.push_screen_wait(Chooser(question))
    if chosen is None:
        return None
    return await _new_recipe(app, folder) if chosen == recipes.NEW else Path(chosen)


async def _new_recipe(app: App[Any], folder: Path) -> Path | None:
    data = await app.push_screen_wait(
        Chooser(
            Question(
                title="New recipe, 1 of 3: the data",
                prompt="filter, or type the path of a .jsonl, .json, .csv or .txt file",
                empty="There is no data file in this folder; type a path.",
                options=partial(recipes.data_files, folder),
                typed=partial(recipes.typed_file, folder=folder),
            )
        )
    )
    if data is None:
        return None
    model = await app.push_screen_wait(
        Chooser(
            Question(
                title="New recipe, 2 of 3: the model",
                prompt="filter, or type a folder or a hub id such as Qwen/Qwen2.5-0.5B",
                empty="There is no model in this folder; type a path or a hub id.",
                options=partial(recipes.models, folder),
                typed=partial(recipes.typed_model, folder=folder),
            )
        )
    )
    return None if model is None else await _save(app, folder, data, model)


async def _save(app: App[Any], folder: Path, data: str, model: str) -> Path | None:
    from engine.recipe import template

    text = template({"model": _near(model, folder), "data": _near(data, folder)})
    chosen = await app.push_screen_wait(
        Chooser(
            Question(
                title="New recipe, 3 of 3: where to save it",
                prompt="the name of the file",
                empty="A name in this folder, or a path; nothing is overwritten.",
                options=list,
                typed=partial(recipes.typed_target, folder=folder, preview=text),
                value=recipes.free_name(folder, Path(data).stem),
                act="save and start",
            )
        )
    )
    if chosen is None:
        return None
    target = Path(chosen)
    if target.parent != folder:
        text = template({"model": _near(model, target.parent), "data": _near(data, target.parent)})
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Problem("The recipe cannot be written.", where=chosen, why=f"{error.strerror}.") from error
    return target


def _near(name: str, folder: Path) -> str:
    """A path as a recipe in `folder` would say it; a hub id stays as it is."""
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(folder):
        return f"./{path.relative_to(folder)}"
    return name


def text_to_submit(path: Path) -> tuple[str, str]:
    """The name of the run and the recipe's text with every path absolute; raises Problem."""
    # The headless twin does the same; imported on use, because nothing before the first paint needs it.
    from engine.recipe import absolute_text, check_paths, read

    file = read(path)
    check_paths(file)
    return file.name, absolute_text(file)
