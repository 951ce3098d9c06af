"""Picks a model or an adapter to talk to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from engine.messages import RunRow
from openlora_tui.modals import on_disk
from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.modals.walking import shown


def chat_with(folder: Path, rows: Sequence[RunRow]) -> Chooser:
    """The chooser; it gives a folder or a hub id."""
    return Chooser(
        Question(
            title="Chat with a model",
            prompt="filter, or type a folder with a model or an adapter, or a hub id",
            empty="There is no model in this folder; type a path or a hub id.",
            options=partial(on_disk.models, folder, rows),
            typed=partial(_typed, folder=folder),
            act="talk",
        )
    )


def _typed(text: str, folder: Path) -> Option | None:
    path = (folder / Path(text).expanduser()).absolute()
    if (path / "adapter_config.json").is_file():
        return Option(str(path), shown(path, folder), "an adapter")
    return on_disk.typed_model(text, folder)
