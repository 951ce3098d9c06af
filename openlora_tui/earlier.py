"""The recipes of earlier runs, to begin from and to compare with; reads files, so not for the UI's thread."""

from __future__ import annotations

from pathlib import Path

from engine.paths import home
from engine.recipe import moved, read
from engine.run_dir import RunDir
from openlora_tui.draft import Against, Draft


def of_run(run: str, folder: Path) -> Draft:
    """The recipe of an earlier run, in no file yet; raises Problem where it cannot be read."""
    return Draft(folder, text=moved(read(RunDir(home(), run).recipe), folder).text)


def against_run(run: str) -> Against:
    """The recipe of an earlier run, to compare with; raises Problem where it cannot be read."""
    return Against(f"run {run}", read(RunDir(home(), run).recipe).resolved())
