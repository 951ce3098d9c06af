"""Reads the small JSON files that come with models and adapters, and takes none that is a trap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from engine.reading import content

LARGEST: Final = 64 << 20
"""Bytes: an index of a model of thousands of parts has a few million."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
        OSError: it cannot be read, is no file, or is too large.
        ValueError: it is too deep, no JSON, or no object.
    """
    try:
        value = json.loads(content(path, LARGEST))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it holds no JSON object")
    return value
