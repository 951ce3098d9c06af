"""What a person most likely meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that is most like `name`, or None where none is alike."""
    close = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.6)
    return close[0] if close else None
