"""The command line that does what the form would: every act on the screen has one."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from engine.recipe import FIELDS, survey
from openlora_tui.draft import Draft, said


def run_lines(draft: Draft, folder: Path) -> list[str]:
    """The commands that run the draft as it stands, from `folder`."""
    if draft.path is None:
        name = f"{draft.name}.yaml"
        given = [field for field in FIELDS if draft.changed(field.name)]
        values = {field.name: draft.shown(field.name) for field in given}
        values = {name: text for name, text in values.items() if text or name not in ("model", "data")}
        return [f"openlora new {shlex.quote(name)}{_sets(values)}", f"openlora train {shlex.quote(name)}"]
    saved = survey(draft.kept.saved).values
    values = {
        field.name: draft.shown(field.name)
        for field in FIELDS
        if draft.value(field.name) != saved.get(field.name, None if field.required else field.default)
    }
    return [f"openlora train {shlex.quote(_short(draft.path, folder))}{_sets(values)}"]


def other_lines(draft: Draft, folder: Path, run: str = "RUN") -> list[tuple[str, str]]:
    """What else the keys here do, each with its command."""
    path = shlex.quote(_short(draft.path, folder)) if draft.path is not None else f"{draft.name}.yaml"
    return [
        ("copy the recipe", f"openlora new copy.yaml --from {path}"),
        ("a run's recipe again", f"openlora new again.yaml --from {run}"),
        ("compare with a run", f"diff <(openlora new --from {run}) {path}"),
        ("edit it as text", f"$EDITOR {path}"),
        ("start it and come back", f"openlora train {path} --detach"),
        ("find a learning rate", f"openlora train {path} --find-rate"),
        ("search rate and rank", f"openlora train {path} --search"),
    ]


def _sets(values: dict[str, str]) -> str:
    return "".join(f" --set {shlex.quote(f'{name}={text or said_nothing(name)}')}"
                   for name, text in values.items())  # fmt: skip


def said_nothing(name: str) -> str:
    """The word for no value; a list is emptied by brackets."""
    default = next(field.default for field in FIELDS if field.name == name)
    return said(default) if isinstance(default, list) else "null"


def _short(path: Path, folder: Path) -> str:
    relative = os.path.relpath(path, folder)
    return str(path) if relative.startswith("..") else relative
