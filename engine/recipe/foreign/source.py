"""Reads another trainer's file, and tells whose it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from engine.problem import Problem
from engine.recipe.yaml import text_of
from engine.text import one_line

Tool = Literal["axolotl", "llamafactory", "own", "unknown"]
_DEEPEST: Final = 200
_MOST: Final = 20_000
"""Values; aliases count each time, because a few lines of them can stand for billions."""


def document(path: Path) -> dict[str, Any]:
    """What the YAML or JSON file in `path` says.

    Raises:
        Problem: it is neither, or says nothing by name.
    """
    text = text_of(path)
    try:
        found = _parsed(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = f"{one_line(error.problem or 'unreadable', 200)}."
        raise _unreadable(f"{path}:{line}", why) from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(str(path), f"{one_line(str(error), 200)}.") from error
    if not isinstance(found, dict) or not found:
        raise _unreadable(str(path), "It holds no lines of `name: value`.")
    if _nodes(found, _MOST) > _MOST:
        raise _unreadable(str(path), f"It holds more than {_MOST:,} values.")
    return {str(key): value for key, value in found.items()}


def tool_of(said: dict[str, Any]) -> Tool:
    """Whose file it is, by the name that it has for the model."""
    if "base_model" in said:
        return "axolotl"
    if "model_name_or_path" in said:
        return "llamafactory"
    return "own" if "model" in said or "data" in said else "unknown"


def located(path: str, folder: Path) -> str:
    """A local path as an absolute one where it is there: from the file's folder, else from the working one.

    Both trainers take paths from where they are started, which is most often one of the two.
    """
    expanded = os.path.expanduser(path)
    for start in (folder, Path.cwd()):
        if os.path.lexists(start / expanded):
            return os.path.abspath(start / expanded)
    return os.path.abspath(folder / expanded) if path.startswith((".", "/", "~")) else path


def _parsed(text: str) -> object:
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            pass
    if max(text.count("["), text.count("{")) > _DEEPEST * 50:
        raise ValueError("it opens more brackets than any such file")
    return YAML(typ="safe", pure=True).load(text)


def _nodes(value: object, most: int) -> int:
    """How many values there are, as far as `most` and one more."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    count = 1
    for item in inner:
        if count > most:
            break
        count += _nodes(item, most - count)
    return count


def _unreadable(where: str, why: str) -> Problem:
    return Problem(
        "The file to take over is no YAML or JSON of settings.",
        where=where,
        why=why,
        do="Name an Axolotl or LLaMA-Factory file, a recipe, or a run.",
    )
