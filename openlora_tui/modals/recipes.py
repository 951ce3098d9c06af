"""Finds recipes on disk and judges them, and names for new ones; runs in threads and touches no widget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.messages import RunRow
from engine.problem import Problem
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.modals.chooser import Option
from openlora_tui.modals.walking import fact, shown, typed_path, walk
from openlora_tui.widgets.painted import Row

if TYPE_CHECKING:
    from engine.recipe import Recipe

NEW: Final = "\0new"
"""The value of the option that makes a recipe; no path can be equal to it."""
_MOST: Final = 200


def recipes(folder: Path) -> list[Option]:
    """Every `*.yaml` that could be a recipe, the valid ones first."""
    paths = [path for path in walk(folder) if path.suffix in (".yaml", ".yml") and path.is_file()]
    return sorted((judged(path, folder) for path in paths[:_MOST]), key=lambda one: one.role == "dim")


def new_or_one(folder: Path) -> list[Option]:
    """The recipes on disk, and the option that makes one: first where no other is valid."""
    options = recipes(folder)
    about = [
        Row("A data file and a model are all it takes; the rest has sound defaults."),
        Row("Nothing starts, and no file is written, before you say so.", "dim"),
    ]
    make = Option(NEW, "new recipe …", "from a data file and a model", about=about, role="accent")
    return [*options, make] if any(option.role != "dim" for option in options) else [make, *options]


def earlier_runs(rows: Sequence[RunRow], clock: float) -> list[Option]:
    """Runs whose recipe can be taken, the newest first."""
    return [
        Option(
            row.run,
            f"{row.run}  {one_line(row.name, 30)}",
            f"{row.status}, {figures.age(clock - row.created)} ago",
            [fact("model", row.model), fact("data", ", ".join(row.data)),
             fact("loss", figures.loss(row.loss))],
        )
        for row in rows
    ]  # fmt: skip


def judged(path: Path, folder: Path) -> Option:
    """A recipe file with what it would do, or with what is wrong with it."""
    from engine.recipe import check_paths, near, read

    label = shown(path, folder)
    try:
        file = read(path)
    except Problem as problem:
        said = problem.as_dict()
        said["where"] = said["where"].removeprefix(f"{folder}/")
        return Option(str(path), label, "not valid", problem_rows(said), _unreadable(path), role="dim")
    recipe = file.resolved()
    length = f"{recipe.max_steps:,} steps" if recipe.max_steps > 0 else f"{recipe.num_train_epochs:g} epochs"
    data = ", ".join(str(near(entry, folder)).removeprefix("./") for entry in recipe.data_entries)
    model = shown(Path(recipe.model), folder) if Path(recipe.model).is_absolute() else recipe.model
    rate = figures.rate(recipe.learning_rate)
    about = [
        fact("model", model),
        fact("data", data),
        fact(
            "length",
            f"{length}, {recipe.batch_rows:,} rows a step, {recipe.max_length:,} tokens a row",
        ),
        fact(
            "adapter",
            f"{_adapter(recipe, folder)}, rate {rate}",
        ),
    ]
    try:
        check_paths(file)
    except Problem as problem:
        about.append(Row(one_line(problem.what), "bold bad"))
    return Option(str(path), label, f"{one_line(file.name)}, {length}", about)


def _unreadable(path: Path) -> str:
    """Why the form cannot show the file at all; empty where it has mistakes that can be mended there."""
    from engine.recipe import survey
    from engine.recipe.yaml import text_of

    try:
        survey(text_of(path), path)
    except Problem as problem:
        return str(problem)
    return ""


def _adapter(recipe: Recipe, folder: Path) -> str:
    """A fresh adapter's size; one to go on from has its own."""
    if recipe.adapter is None:
        return f"rank {recipe.lora_r}, alpha {recipe.lora_alpha:g}"
    path = Path(recipe.adapter)
    return f"goes on from {shown(path, folder) if path.is_absolute() else f'run {recipe.adapter}'}"


def typed_recipe(text: str, folder: Path) -> Option | None:
    """A typed path as a recipe; None while no such file exists."""
    path = typed_path(text, folder)
    return judged(path, folder) if path is not None and path.is_file() else None


def problem_rows(problem: dict[str, str]) -> list[Row]:
    """A problem with its place, its reason and what to do."""
    rows = [Row(one_line(problem.get("what", "")), "bold bad")]
    for name, label in (("where", "where"), ("why", "why"), ("do", "do")):
        if problem.get(name):
            rows.append(fact(label, problem[name]))
    return rows


def typed_target(text: str, folder: Path, endings: Sequence[str] = (".yaml", ".yml")) -> Option | None:
    """Where something is to be saved, by default a recipe; an existing file is never overwritten."""
    path = typed_path(text, folder)
    if path is None:
        return None
    if path.suffix not in endings:
        path = path.with_name(path.name + endings[0])
    refusal = ""
    if path.exists():
        refusal = f"{shown(path, folder)} exists already; choose another name."
    elif not path.parent.is_dir():
        refusal = f"The folder {shown(path.parent, folder)} does not exist."
    about = (
        [Row(refusal, "bold bad")] if refusal else [Row("writes ", "dim").add(shown(path, folder), "bright")]
    )
    return Option(str(path), shown(path, folder), refusal=refusal, about=about)


def free_name(folder: Path, stem: str, ending: str = ".yaml") -> str:
    """A name that no file has yet."""
    number = 1
    while (folder / (name := f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}")).exists():
        number += 1
    return name
