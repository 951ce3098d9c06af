"""Tells a text that people read from code that stands in it; asked only once something was found."""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
_CODE: Final = re.compile(
    r"""
    ^\s*(?:def\ \w|class\ \w|import\ \w|from\ [\w.]+\ import|\#include|function\b|(?:var|let|const)\ \w
        |(?:public|private|static|async)\ \w|SELECT\s|INSERT\ INTO|UPDATE\s|CREATE\s|<\?|<!DOCTYPE|@\w+\()
    | </?[a-z][\w-]*(?:\s[^<>]*)?/?>      # markup
    | \{% | %\} | [;{]\s*$ | => | \)\s*\{ | \w\(["']
    | \\(?:begin|frac|text|left|math\w+|sum|sqrt)\b
    | \b[rbf]{1,2}["'] | \.format\( | \bprint\b
    """,
    re.VERBOSE | re.MULTILINE,
)
_BESIDE: Final = 24
_CUT_BEFORE: Final = re.compile(r"^[!-~]+")
_CUT_AFTER: Final = re.compile(r"[!-~]+$")


def prose(text: str) -> str:
    """`text` without what Markdown marks as code."""
    return _QUOTED.sub(" ", text) if "`" in text or "~~~" in text else text


def has_code(text: str) -> bool:
    """True where `text` holds lines of a programming or markup language."""
    return _CODE.search(text) is not None


def around(text: str, begin: int, end: int) -> str:
    """What was found, with a few whole words either side: part of a word could be part of a secret."""
    before, after = text[max(begin - _BESIDE, 0) : begin], text[end : end + _BESIDE]
    if begin > _BESIDE:
        before = "…" + _CUT_BEFORE.sub("", before)
    if end + _BESIDE < len(text):
        after = _CUT_AFTER.sub("", after) + "…"
    return before + text[begin:end] + after
