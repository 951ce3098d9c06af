"""A file of another trainer, as a recipe."""

from __future__ import annotations

import os
from pathlib import Path

from engine.problem import Problem
from engine.recipe.foreign.axolotl import from_axolotl
from engine.recipe.foreign.llamafactory import from_llamafactory
from engine.recipe.foreign.source import document, tool_of
from engine.recipe.foreign.translation import Translation


def translation(path: Path) -> Translation | None:
    """What the file in `path` comes to, or None where it is a recipe already.

    Raises:
        Problem: it is no file of settings, or of none that is understood here.
    """
    said = document(path)
    folder = Path(os.path.abspath(path)).parent
    match tool_of(said):
        case "axolotl":
            found = from_axolotl
        case "llamafactory":
            found = from_llamafactory
        case "own":
            return None
        case "unknown":
            raise Problem(
                "The file is of no trainer that is known here.",
                where=str(path),
                why="It has neither base_model (Axolotl) nor model_name_or_path (LLaMA-Factory).",
                do="Name an Axolotl or LLaMA-Factory file, a recipe, or a run.",
            )
    try:
        return found(said, folder)
    except Problem as problem:
        problem.where = problem.where or str(path)
        raise
