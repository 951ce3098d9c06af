"""Finds recipes, data files and models on disk, and judges them; runs in threads and touches no widget."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.problem import Problem
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.modals.chooser import Option
from openlora_tui.widgets.painted import Row

if TYPE_CHECKING:
    from engine.recipe import Recipe

NEW: Final = "\0new"
"""The value of the option that makes a recipe; no path can be equal to it."""
_DEPTH: Final = 2
_MOST: Final = 200
_SEEN: Final = 4000
_DATA: Final = (".jsonl", ".json", ".csv", ".txt")
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env"})


def walk(folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """Files and folders of `folder` and below it, nearest first, hidden ones left out, capped."""
    seen = 0
    level = [folder]
    for _ in range(depth + 1):
        below: list[Path] = []
        for place in level:
            try:
                entries = sorted(os.scandir(place), key=lambda entry: entry.name.lower())
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if seen > _SEEN:
                    return
                if entry.name.startswith(".") or entry.name in _SKIPPED:
                    continue
                yield Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    below.append(Path(entry.path))
        level = below


def recipes(folder: Path) -> list[Option]:
    """Every `*.yaml` that could be a recipe, the valid ones first, and the option that makes one."""
    paths = [path for path in walk(folder) if path.suffix in (".yaml", ".yml") and path.is_file()]
    options = sorted(
        (judged(path, folder) for path in paths[:_MOST]), key=lambda option: bool(option.refusal)
    )
    about = [
        Row("A data file and a model are all it takes; the rest has sound defaults."),
        Row("The recipe is written as a commented file, yours to change and to keep.", "dim"),
    ]
    make = Option(NEW, "new recipe …", "from a data file and a model", about=about, role="accent")
    return [*options, make] if any(not option.refusal for option in options) else [make, *options]


def judged(path: Path, folder: Path) -> Option:
    """A recipe file with what it would do, or with what is wrong with it."""
    from engine.recipe import check_paths, read

    label = shown(path, folder)
    try:
        file = read(path)
    except Problem as problem:
        said = problem.as_dict()
        said["where"] = said["where"].removeprefix(f"{folder}/")
        return Option(str(path), label, "not valid", problem_rows(said), str(problem))
    recipe = file.resolved()
    length = f"{recipe.max_steps:,} steps" if recipe.max_steps > 0 else f"{recipe.num_train_epochs:g} epochs"
    data = ", ".join(shown(Path(name), folder) for name in recipe.data_files)
    model = shown(Path(recipe.model), folder) if Path(recipe.model).is_absolute() else recipe.model
    rate = figures.rate(recipe.learning_rate)
    about = [
        _fact("model", model),
        _fact("data", data),
        _fact(
            "length",
            f"{length}, {recipe.batch_rows:,} rows a step, {recipe.max_length:,} tokens a row",
        ),
        _fact(
            "adapter",
            f"{_adapter(recipe, folder)}, rate {rate}",
        ),
    ]
    refusal = ""
    try:
        check_paths(file)
    except Problem as problem:
        refusal = str(problem)
        about.append(Row(one_line(problem.what), "bold bad"))
    return Option(str(path), label, f"{one_line(file.name)}, {length}", about, refusal)


def _adapter(recipe: Recipe, folder: Path) -> str:
    """A fresh adapter's size; one to go on from has its own."""
    if recipe.adapter is None:
        return f"rank {recipe.lora_r}, alpha {recipe.lora_alpha:g}"
    path = Path(recipe.adapter)
    return f"goes on from {shown(path, folder) if path.is_absolute() else f'run {recipe.adapter}'}"


def typed_recipe(text: str, folder: Path) -> Option | None:
    """A typed path as a recipe; None while no such file exists."""
    path = _path(text, folder)
    return judged(path, folder) if path is not None and path.is_file() else None


def problem_rows(problem: dict[str, str]) -> list[Row]:
    """A problem with its place, its reason and what to do."""
    rows = [Row(one_line(problem.get("what", "")), "bold bad")]
    for name, label in (("where", "where"), ("why", "why"), ("do", "do")):
        if problem.get(name):
            rows.append(_fact(label, problem[name]))
    return rows


def data_files(folder: Path) -> list[Option]:
    """Files whose ending says that they may be data."""
    paths = (path for path in walk(folder, 3) if _may_be_data(path))
    return [data_option(path, folder) for path, _ in zip(paths, range(_MOST), strict=False)]


def _may_be_data(path: Path) -> bool:
    """By its ending, and not one of the files that come with a model."""
    return path.suffix.lower() in _DATA and path.is_file() and not (path.parent / "config.json").exists()


def data_option(path: Path, folder: Path) -> Option:
    """A data file with its size and its first lines."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(2000).decode("utf-8", "replace").splitlines()[:4]
    except OSError as error:
        return Option(str(path), shown(path, folder), "cannot be read", refusal=f"{error.strerror}.")
    about = [Row(one_line(line, 400), "dim") for line in head]
    return Option(str(path), shown(path, folder), figures.size(size), about)


def models(folder: Path) -> list[Option]:
    """Folders that hold a model as Hugging Face lays it out."""
    folders = [path for path in walk(folder, 3) if (path / "config.json").is_file()][:_MOST]
    return [model_option(path, folder) for path in folders]


def model_option(path: Path, folder: Path) -> Option:
    """A model's folder with its kind and the size of its weights."""
    import msgspec

    try:
        config = msgspec.json.decode((path / "config.json").read_bytes())
        weights = sum(file.stat().st_size for file in path.glob("*.safetensors"))
    except (OSError, msgspec.DecodeError):
        return Option(
            str(path), shown(path, folder), "no readable config.json", refusal="Its config.json is broken."
        )
    kind = config.get("model_type", "?") if isinstance(config, dict) else "?"
    about = [
        _fact("kind", str(kind)),
        _fact("weights", figures.size(weights) if weights else "none in safetensors"),
    ]
    return Option(str(path), shown(path, folder), one_line(str(kind)), about)


def typed_file(text: str, folder: Path) -> Option | None:
    """A typed path to a data file."""
    path = _path(text, folder)
    return data_option(path, folder) if path is not None and path.is_file() else None


def typed_model(text: str, folder: Path) -> Option | None:
    """A typed model: a folder, or an id of the hub such as `owner/name`."""
    path = _path(text, folder)
    if path is not None and (path / "config.json").is_file():
        return model_option(path, folder)
    owner, slash, name = text.partition("/")
    if slash and owner and name and "/" not in name and not text.startswith((".", "~")) and path is not None:
        about = [
            Row("Taken from the Hugging Face cache, or fetched from the hub when the run starts.", "dim")
        ]
        return Option(text, text, "on the hub", about)
    return None


def typed_target(text: str, folder: Path, preview: str) -> Option | None:
    """Where a new recipe is to be saved; an existing file is never overwritten."""
    path = _path(text, folder)
    if path is None:
        return None
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(path.name + ".yaml")
    if path.exists():
        refusal = f"{shown(path, folder)} exists already; choose another name."
        return Option(str(path), shown(path, folder), refusal=refusal, about=[Row(refusal, "bold bad")])
    if not path.parent.is_dir():
        refusal = f"The folder {shown(path.parent, folder)} does not exist."
        return Option(str(path), shown(path, folder), refusal=refusal, about=[Row(refusal, "bold bad")])
    about = [Row("writes ", "dim").add(shown(path, folder), "bright"), Row()]
    lines = [line for line in preview.splitlines() if line and not line.startswith("#")]
    note = Row("Every other field is in the file too, at its default and explained.", "dim")
    return Option(
        str(path), shown(path, folder), about=[*about, *(Row(one_line(line)) for line in lines), note]
    )


def free_name(folder: Path, stem: str) -> str:
    """A name for a recipe that no file has yet."""
    number = 1
    while (folder / (name := f"{stem}.yaml" if number == 1 else f"{stem}-{number}.yaml")).exists():
        number += 1
    return name


def shown(path: Path, folder: Path) -> str:
    """A path as short as it can be said: relative where it lies below, with `~` for the home."""
    for base, prefix in ((folder, ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return one_line(prefix + str(path.relative_to(base)))
    return one_line(str(path))


def _path(text: str, folder: Path) -> Path | None:
    if not text or "\0" in text:
        return None
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        return None


def _fact(label: str, text: str) -> Row:
    return Row(label.ljust(9), "dim").add(one_line(text))
