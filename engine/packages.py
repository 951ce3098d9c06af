"""Which packages the work needs beyond the base install, and how to get those that are missing."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

from engine.problem import Problem

TRAIN: Final = ("torch", "transformers", "peft", "accelerate", "safetensors")


INSTALL: Final = (
    "pip install 'openlora-tui[train]' (without a GPU, get torch by PyTorch's install page first)"
)


def missing_for_training() -> list[str]:
    """The training packages that are not installed."""
    return [name for name in TRAIN if find_spec(name) is None]


def check_training() -> None:
    """Raise a Problem that says how to get what is missing, before anything is begun."""
    missing = missing_for_training()
    if missing:
        raise Problem(
            "The training packages are not installed.",
            where=sys.executable,
            why=f"Missing: {', '.join(missing)}.",
            do=INSTALL,
        )
