"""The model that a person chose for this home's advisor: one small file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.llama.gguf import Gguf, head
from engine.problem import Problem
from engine.reading import content

_NAME: Final = "advisor.json"
_LARGEST: Final = 1 << 16
PACKAGE: Final = "llama_cpp"
INSTALL: Final = "pip install 'openlora-tui[advisor]' (compiles for minutes)"
ADD: Final = "`openlora advisor pull` fetches one; `openlora advisor use FILE` takes a GGUF that is here"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen."""

    model: str = ""
    """Absolute path of the GGUF; empty where none is."""
    source: str = ""
    """The hub's repository and commit, where it came from there."""
    off: bool = False
    """True where it is kept and not asked."""


def chosen(root: Path) -> Chosen:
    """What was chosen in this home; nothing where that cannot be read."""
    try:
        return msgspec.json.decode(content(root / _NAME, _LARGEST), type=Chosen)
    except (OSError, ValueError, RecursionError):
        return Chosen()


def choose(root: Path, choice: Chosen) -> None:
    """Keep the choice; raises OSError."""
    atomic.write(root / _NAME, msgspec.json.encode(choice))


def ready(root: Path, path: str = "") -> Gguf:
    """The model to ask: that of `path`, else the one that was chosen.

    Raises:
        Problem: there is none, or it cannot be used; `do` says how to get one.
    """
    choice = chosen(root)
    named = path or ("" if choice.off else choice.model)
    if not named:
        what = "The advisor's model is switched off." if choice.off else "No model is chosen for the advisor."
        do = "`openlora advisor use` takes it again." if choice.off and choice.model else f"{ADD}."
        raise Problem(what, why="The rules answer alone.", do=do)
    if find_spec(PACKAGE) is None:
        raise Problem("llama-cpp-python is not installed.", why="The rules answer alone.", do=f"{INSTALL}.")
    return head(Path(named))
