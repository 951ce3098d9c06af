"""The named chat templates: Jinja files beside this one, and LLaMA-Factory's, made from a table."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from engine.templates.llamafactory import TURNS, source

_FOLDER: Final = Path(__file__).parent
_THEIRS: Final = "llamafactory-"
_FILES: Final = {file.stem: file for file in sorted(_FOLDER.glob("*.jinja"))}

NAMES: Final = tuple(name for name in _FILES if not name.startswith("axolotl-"))
"""Those that a person chooses from; other trainers' own, such as `llamafactory-qwen`, come with recipes."""
ALL: Final = (*_FILES, *(_THEIRS + name for name in TURNS))

_SUFFIXES: Final = (".jinja", ".jinja2", ".j2", ".txt")


def is_file(name: str) -> bool:
    """True for what names a file with a template rather than a template."""
    return "/" in name or name.startswith((".", "~")) or name.endswith(_SUFFIXES)


def source_of(name: str) -> str | None:
    """The Jinja text of a named template, None where there is none of that name."""
    if name in _FILES:
        return _FILES[name].read_text(encoding="utf-8")
    turns = TURNS.get(name.removeprefix(_THEIRS)) if name.startswith(_THEIRS) else None
    return None if turns is None else source(turns)
