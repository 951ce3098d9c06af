"""Which data the Data screen looks at, where nobody chose any: the draft's, else the run's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.inspection.talk import Spec
from engine.problem import Problem
from engine.recipe.recipe import PAIRED
from engine.templates.registry import is_file

if TYPE_CHECKING:
    from engine.messages import RunRow
    from openlora_tui.draft import Draft


def of_draft(draft: Draft | None) -> Spec | None:
    """The data of the recipe under edit, with its model and max_length."""
    if draft is None or not draft.data_words:
        return None
    model = str(draft.value("model") or "")
    folder = draft.folder / os.path.expanduser(model)
    return Spec(
        files=draft.data_words,
        model=str(folder) if model and os.path.isdir(folder) else model,
        max_length=int(draft.value("max_length")),
        data_format=str(draft.value("data_format")),
        bad_rows=str(draft.value("bad_rows")),
        chat_template=_template(draft),
        truncation=str(draft.value("truncation")),
        train_on=str(draft.value("train_on")),
        tokenize_turns=str(draft.value("tokenize_turns")),
        mapping=draft.value("mapping"),
        eval_files=draft.eval_words,
        pairs=draft.value("objective") in PAIRED,
    )


def _template(draft: Draft) -> str | None:
    name = draft.value("chat_template")
    return (
        os.path.abspath(draft.folder / os.path.expanduser(name)) if name and is_file(name) else name or None
    )


def of_run(row: RunRow, home: str) -> Spec:
    """The data of a run as its recipe names it, which may be read slowly; as its row does otherwise."""
    from engine.recipe import read
    from engine.run_dir import RunDir

    try:
        recipe = read(RunDir(Path(home), row.run).recipe).resolved()
    except (Problem, OSError):
        return Spec(files=row.data, model=row.model)
    return Spec(
        files=[str(entry) for entry in recipe.data_entries],
        model=recipe.model,
        max_length=recipe.max_length,
        data_format=recipe.data_format,
        bad_rows=recipe.bad_rows,
        chat_template=recipe.chat_template,
        truncation=recipe.truncation,
        train_on=recipe.train_on,
        tokenize_turns=recipe.tokenize_turns,
        mapping=recipe.mapping,
        eval_files=[str(entry) for entry in recipe.eval_entries],
        pairs=recipe.paired,
    )
