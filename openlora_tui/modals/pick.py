"""The choosers of the Recipe screen: a recipe, data, a model, an adapter, a run, a name to save under."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from engine.messages import RunRow
from engine.recipe import Field
from openlora_tui.modals import on_disk, recipes
from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped


def new_or_one(folder: Path, options: Sequence[Option]) -> Chooser:
    """A recipe of those on disk, or a new one."""
    return Chooser(
        Question(
            title="New run: which recipe?",
            prompt="filter, or type the path of a recipe",
            empty="There is no recipe in this folder; type a path.",
            options=lambda: options,
            typed=partial(recipes.typed_recipe, folder=folder),
            act="open",
        )
    )


def recipe(folder: Path, rows: Sequence[RunRow], clock: float) -> Chooser:
    """A recipe on disk, or that of an earlier run."""

    def options() -> list[Option]:
        return [*recipes.recipes(folder), *recipes.earlier_runs(rows, clock)]

    return Chooser(
        Question(
            title="Open a recipe, or that of an earlier run",
            prompt="filter, or type the path of a recipe",
            empty="There is no recipe in this folder and no run yet; type a path.",
            options=options,
            typed=partial(recipes.typed_recipe, folder=folder),
            act="open",
        )
    )


def data(folder: Path, title: str, value: str = "") -> Chooser:
    """Data: a file, a folder, a dataset of the hub."""
    return Chooser(
        Question(
            title=title,
            prompt="filter, or type a path, a glob such as data/*.jsonl, or a hub dataset owner/name",
            empty="There is no data in this folder; type a path.",
            options=partial(on_disk.data_files, folder),
            typed=partial(on_disk.typed_file, folder=folder),
            value=value,
        )
    )


def model(folder: Path, title: str, rows: Sequence[RunRow]) -> Chooser:
    """A model on disk, in the hub's cache, or by its hub id."""
    return Chooser(
        Question(
            title=title,
            prompt="filter, or type a folder or a hub id such as Qwen/Qwen2.5-0.5B",
            empty="There is no model on this machine yet; type a path or a hub id.",
            options=partial(on_disk.models, folder, rows),
            typed=partial(on_disk.typed_model, folder=folder),
        )
    )


def adapter(folder: Path, rows: Sequence[RunRow]) -> Chooser:
    """An adapter to go on from."""
    return Chooser(
        Question(
            title="Start from which adapter?",
            prompt="filter, or type a folder or the number of a run",
            empty="No run has left an adapter yet; type a folder.",
            options=partial(on_disk.adapters, rows),
            typed=partial(on_disk.typed_adapter, folder=folder),
        )
    )


def run(rows: Sequence[RunRow], clock: float) -> Chooser:
    """A run to compare with."""
    return Chooser(
        Question(
            title="Compare with which run?",
            prompt="filter by number, name or status",
            empty="There is no run yet.",
            options=partial(recipes.earlier_runs, rows, clock),
            typed=lambda text: None,
            act="compare",
        )
    )


def choice(field: Field, value: str) -> Chooser:
    """One of the values that the field takes."""
    about = [Row(line, "dim") for line in wrapped(f"{field.help} {field.wrong}", 74)]

    def options() -> list[Option]:
        notes = {value: "now", str(field.default): "default"}
        options = [Option(name, name, notes.get(name, ""), about) for name in field.choices]
        return sorted(options, key=lambda option: option.value != value)

    return Chooser(Question(title=field.label, prompt="filter", empty="It takes no such value.",
                            options=options, typed=lambda text: None))  # fmt: skip


def new_data(folder: Path, name: str) -> Chooser:
    """Where to write a new dataset."""
    return Chooser(
        Question(
            title="Write the new dataset as",
            prompt="the name of the file",
            empty="A name in this folder, or a path; nothing is overwritten.",
            options=list,
            typed=partial(recipes.typed_target, folder=folder, endings=(".jsonl",)),
            value=name,
            about_rows=2,
            act="write",
        )
    )


def target(folder: Path, name: str) -> Chooser:
    """Where to save a recipe."""
    typed: Callable[[str], Option | None] = partial(recipes.typed_target, folder=folder)
    return Chooser(
        Question(
            title="Save the recipe as",
            prompt="the name of the file",
            empty="A name in this folder, or a path; nothing is overwritten.",
            options=list,
            typed=typed,
            value=name,
            about_rows=2,
            act="save",
        )
    )
