"""Which packages the work needs beyond the base install, and how to get those that are missing."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from engine.problem import Problem

RANGES: Final = {
    "torch": ((2, 9), (2, 14)),
    "transformers": ((5,), (6,)),
    "peft": ((0, 19), None),
    "accelerate": ((1, 10), None),
    "safetensors": ((0, 6), None),
}
"""The first supported version of each package, and the first that is not any more; as in `pyproject.toml`."""
TRAIN: Final = tuple(RANGES)

INSTALL: Final = (
    "pip install 'openlora-tui[train]' (without a GPU, get torch by PyTorch's install page first)"
)


def missing_for_training() -> list[str]:
    """The training packages that are not installed."""
    return [name for name in TRAIN if find_spec(name) is None]


def version_of(name: str) -> str:
    """The installed version of a package; empty where there is none, or it does not say."""
    try:
        return metadata.version(name) or ""
    except metadata.PackageNotFoundError:
        return ""


def supported(name: str, version: str) -> bool:
    """True where the version lies in the package's range."""
    low, high = RANGES[name]
    numbers = tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
    return low <= numbers and (high is None or numbers < high)


def range_of(name: str) -> str:
    """The range in words: `2.9 up to, not including, 2.14`."""
    low, high = RANGES[name]
    said = ".".join(map(str, low))
    return f"{said} or newer" if high is None else f"{said} up to, not including, {'.'.join(map(str, high))}"


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
