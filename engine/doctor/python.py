"""OpenLoRA itself, Python, and what comes with both."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from typing import Final

from engine import __version__
from engine.doctor.check import Check, good, note

_TRIED: Final = ((3, 11), (3, 13))
"""The first and the last version that the tests run on."""


def look() -> Iterator[Check]:
    """Versions and places."""
    yield good("openlora", __version__)
    yield _python(sys.version_info[:2])
    yield good("sqlite", sqlite3.sqlite_version)


def _python(version: tuple[int, ...]) -> Check:
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if _TRIED[0] <= version <= _TRIED[1]:
        return good("python", found)
    return note("python", f"{found}: not tried", "Python 3.11, 3.12 and 3.13 are.")
