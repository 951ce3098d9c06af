"""What the Data screen asks: which file, and whose tokenizer."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from openlora_tui.modals import on_disk
from openlora_tui.modals.chooser import Question


def data_question(folder: Path) -> Question:
    """Which file to look at."""
    return Question(
        title="Data to look at",
        prompt="filter, or type the path of a .jsonl, .json, .csv, .tsv, .txt or .md file",
        empty="There is no data file in this folder; type a path.",
        options=partial(on_disk.data_files, folder),
        typed=partial(on_disk.typed_file, folder=folder),
        act="look",
    )


def model_question(folder: Path) -> Question:
    """Whose tokenizer and chat template to use."""
    return Question(
        title="The model whose tokenizer counts",
        prompt="filter, or type a folder or a hub id such as Qwen/Qwen2.5-0.5B",
        empty="There is no model in this folder; type a path or a hub id.",
        options=partial(on_disk.models, folder),
        typed=partial(on_disk.typed_model, folder=folder),
        act="count",
    )
