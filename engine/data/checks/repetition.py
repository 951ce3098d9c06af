"""Answers that say the same again and again."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import has_code, prose
from engine.data.checks.seen import Seen

_WORDS: Final = 50
"""Of the shortest text that is measured, as in Gopher."""
_LETTERS: Final = 200
_PROBES: Final = 16
_PROBE: Final = 16
_ORDER: Final = (0, 12, 8, 4, 14, 6, 10, 2, 1, 3, 5, 7, 9, 11, 13, 15)
_SUSPECTS: Final = 3
_WORD: Final = re.compile(r"[\u3040-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u9fff\uac00-\ud7af]+")
"""A word, or a character of a script that puts no spaces between words."""
_N: Final = 10
_MOST: Final = 0.40
"""Share of the letters in words that were said before, ten in a row. Gopher's 0.10 is meant for web
pages: one in 15 of 5,794 clean answers (GSM8K, Alpaca, DPO and tool calls) is above it, none above 0.35."""
_LINES: Final = 0.30
"""Share of lines that were there before: Gopher (Rae et al. 2021, arXiv:2112.11446, table A1)."""
_FEW_LINES: Final = 6
_CIRCLES: Final = 4
_PERIOD: Final = 40
_TAIL: Final = 16
"""Words at the end that have to go round, up to 40 of them at least four times: so generation breaks down."""


def _look(seen: Seen) -> str:
    text = seen.answer
    if len(text) < _LETTERS or not _suspicious(text):
        return ""
    plain = prose(text)
    if len(plain) < _LETTERS or has_code(plain) or "|" in plain:
        return ""  # code and tables repeat themselves by nature
    return _repeated_lines(plain) or _repeated_words(plain)


def _suspicious(text: str) -> bool:
    """Whether some of 16 samples of the text stand in it once more: cheap, true of all that goes round."""
    size = len(text) - _PROBE
    met = 0
    for part in _ORDER:
        at = size * part // _PROBES
        if text.find(text[at : at + _PROBE], at + 1) >= 0:
            met += 1
        if part == _ORDER[5] and not met:
            return False
    return met >= _SUSPECTS


def _repeated_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < _FEW_LINES or len(lines) - len(set(lines)) <= _LINES * len(lines):
        return ""
    [(line, count)] = Counter(lines).most_common(1)
    return f"{count} times: {line}"


def _repeated_words(text: str) -> str:
    words = _WORD.findall(text.casefold())
    if len(words) < _WORDS:
        return ""
    letters = sum(map(len, words))
    repeated, gram = _again(words)
    if repeated > _MOST * letters:
        return f"{repeated / letters:.0%} said again: {' '.join(gram)}"
    return _circle(words)


def _circle(words: list[str]) -> str:
    for period in range(1, _PERIOD + 1):
        size = max(_CIRCLES * period, _TAIL)
        if size > len(words):
            return ""
        if words[period - size :] == words[-size:-period] and any(map(str.isalpha, words[-period:])):
            return f"at the end, again and again: {' '.join(words[-period:])}"
    return ""


def _again(words: list[str]) -> tuple[int, tuple[str, ...]]:
    """Letters of words in runs of ten that were there before, each counted once, and the first such run."""
    met: set[tuple[str, ...]] = set()
    repeated, first, after = 0, (), 0
    for at, gram in enumerate(zip(*(words[at:] for at in range(_N)), strict=False)):
        if at < after:
            continue
        if gram in met:
            repeated, first, after = repeated + sum(map(len, gram)), first or gram, at + _N
        else:
            met.add(gram)
    return repeated, first


REPETITION: Final = RowCheck(
    name="repetition",
    category="quality",
    severity="warning",
    title="have an answer that says the same again and again",
    cause="Generated texts ran in circles, or pages were copied with their repeated parts.",
    remedy="Leave these rows out: the model learns to run in circles too.",
    look=_look,
)
