"""What of data is on this machine, to be picked: folders, saved datasets, datasets in the hub's cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.problem import Problem
from engine.sources.entry import is_dataset, is_glob
from engine.sources.folder import is_saved, layout_of
from engine.sources.layout import form
from engine.sources.resolve import resolve
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.modals.chooser import Option
from openlora_tui.modals.recipes import problem_rows
from openlora_tui.modals.walking import fact, shown, walk
from openlora_tui.widgets.painted import Row

_FEWEST: Final = 2
"""Data files that make a folder worth naming."""


def is_data(path: Path) -> bool:
    """True for a file that by its name may be data, and does not come with a model or a saved dataset."""
    if not form(path.name) or not path.is_file() or (path.parent / "config.json").exists():
        return False
    return not is_saved(path.parent)


def folders(folder: Path) -> Iterator[Option]:
    """Folders of several data files, and saved datasets, below the folder."""
    for path in walk(folder, 2):
        if not path.is_dir() or (path / "config.json").exists() or is_saved(path.parent):
            continue
        if is_saved(path) or sum(map(is_data, path.iterdir())) >= _FEWEST:
            yield folder_option(path, folder)


def cached() -> Iterator[Option]:
    """Datasets in the hub's cache, by their hub id."""
    from engine.hub.cache import datasets

    for dataset in datasets():
        option = folder_option(dataset.path, dataset.path.parent)
        about = [*option.about, fact("on disk", f"{figures.size(dataset.bytes)}, {dataset.revision[:12]}")]
        note = f"hub cache, {figures.size(dataset.bytes)}"
        yield Option(dataset.name, one_line(dataset.name), note, about)


def folder_option(path: Path, folder: Path) -> Option:
    """A folder with the splits that lie in it, or why it cannot be read."""
    label = f"{shown(path, folder)}/"
    try:
        whole = layout_of(path)
    except Problem as problem:
        return Option(
            str(path), label, "cannot be read", problem_rows(problem.as_dict()), refusal=str(problem)
        )
    if not whole.configs:
        return Option(str(path), label, "no data in it", refusal="There are no data files in this folder.")
    about = [
        fact(one_line(config, 8), ", ".join(f"{split} ({len(names):,})" for split, names in splits.items()))
        for config, splits in whole.configs.items()
    ]
    files = sum(len(names) for splits in whole.configs.values() for names in splits.values())
    kind = "saved dataset" if is_saved(path) else "folder"
    return Option(str(path), label, f"{kind}, {files:,} file{'s' if files != 1 else ''}", about)


def typed_source(text: str, path: Path, folder: Path) -> Option | None:
    """What a person typed that is no file: a folder, a glob, or a dataset of the hub."""
    if path.is_dir():
        return folder_option(path, folder)
    if is_dataset(text, folder):
        about = [Row("Taken from the Hugging Face cache, or fetched from the hub by the run.", "dim")]
        return Option(text, one_line(text), "on the hub", about)
    if not is_glob(text):
        return None
    try:
        found = resolve([str(path)])
    except Problem:
        return None
    about = [Row(shown(source.path, folder), "dim") for source in found.files[:4]]
    return Option(str(path), one_line(text), f"{len(found.files):,} files", about)
