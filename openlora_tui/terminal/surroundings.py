"""What can be known of a terminal before anything is drawn; nothing of Textual is imported here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

_UNDRAWABLE: Final = frozenset({"", "dumb", "unknown"})


def drawable(environment: Mapping[str, str]) -> bool:
    """False where the terminal can only print lines, or nothing is known of it."""
    return environment.get("TERM", "") not in _UNDRAWABLE


def reads_utf8() -> bool:
    """True where the terminal of this process should be sent more than ASCII."""
    c_locale = bool(sys.flags.utf8_mode) and "PYTHONUTF8" not in os.environ
    stream = sys.__stdout__  # the app puts another in the place of sys.stdout
    return stream is not None and _utf8(stream.encoding) and _utf8(locale_name(os.environ, c_locale=c_locale))


def locale_name(environment: Mapping[str, str], *, c_locale: bool) -> str:
    """The locale that a person has set for characters; empty if none.

    `c_locale` tells that the C locale counts, in which Python sets LC_CTYPE to C.UTF-8 by itself (PEP 538).
    """
    names = [environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if c_locale and names[1] == "C.UTF-8":
        names[1] = ""
    return next(filter(None, names), "")


def _utf8(name: str) -> bool:
    return "utf8" in name.lower().replace("-", "").replace("_", "")
