"""Whether what a model has said is an answer: not a loop, not about something else, no figures of its own."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Final

import msgspec

from engine.recipe.fields import FIELDS


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_QUOTED: Final = re.compile("«[^»]*»")
_NUMBER: Final = re.compile(r"(?<![\w.\[])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w\]])", re.IGNORECASE)
_FEW: Final = 3
"""Words below which nothing was said, and words of the subject below which nothing was said of it."""
_ROW: Final = 4
_OFTEN: Final = 4
"""A row of four words that comes so often is a loop."""
_VARIED: Final = 0.3
"""Share of different words in a text of some length."""
_LONG: Final = 40
_ABOUT: Final = 0.2
"""Share of its different words that an answer has in common with facts, question and field. Measured: 40
stories of each tiny model had 0.03 and 0.08 on average, plain answers written by hand 0.36 and more."""
_SMALL: Final = 12
"""Whole numbers up to this are counting, and no figures of a run."""
_CLOSE: Final = 0.03
"""Relative distance within which a figure is taken for a rounded one."""
_INVENTED: Final = 3
_COMMON: Final = _set(
    """
    the and for that this with was were are not but from has have had its which when what will would
    can could should there their they them then than been being because into over after before about
    more most less very some any all one two may might also only such just like you your she her his
    him who how why said out did does don once upon time day got get went now new too our
    """
)
"""Words that any text has: they say nothing of its subject."""
_FIELD: Final = _set(
    """
    model models training train trained learning learn rate loss losses gradient gradients step
    steps epoch epochs batch batches data dataset row rows token tokens checkpoint adapter lora rank
    alpha dropout memory evaluation eval held overfitting overfit overfits diverge diverged
    divergence spike spikes unstable stable noise noisy curve value values lower higher increase
    decrease reduce raise try cause caused causes likely suggests shows indicates run runs warmup
    schedule weights label labels prompt answer answers template sequence length truncated padding
    precision finding findings evidence facts recipe setting settings figures recorded explain known
    decide test check looks normal expected
    """
)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a look at an answer."""

    nonsense: str = ""
    """Why it is put aside; empty where it is an answer."""
    invented: list[str] = []
    """Figures that stand in no fact."""


def judge(text: str, facts: str, question: str) -> Judged:
    """Look at an answer.

    Args:
        text: the answer.
        facts: all that the model was told.
        question: what it was asked.
    """
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < _FEW:
        return Judged(nonsense="it said next to nothing")
    if _loops(words):
        return Judged(nonsense="it repeated itself")
    asked = f"{_QUOTED.sub(' ', facts)} {question}"  # what rows say is not what is asked
    if _elsewhere(words, asked):
        return Judged(nonsense="it spoke of something else")
    invented = _invented(text, f"{facts} {question}")
    if len(invented) >= _INVENTED and len(invented) * 2 > len(_NUMBER.findall(text)):
        return Judged(nonsense=f"it made up figures ({', '.join(invented[:3])})", invented=invented)
    return Judged(invented=invented)


def _loops(words: list[str]) -> bool:
    rows = Counter(tuple(words[at : at + _ROW]) for at in range(len(words) - _ROW + 1))
    if max(rows.values(), default=0) >= _OFTEN:
        return True
    return len(words) >= _LONG and len(set(words)) < _VARIED * len(words)


def _elsewhere(words: list[str], told: str) -> bool:
    """True where it shares few words with what it was told, in whatever language the question was."""
    own = set(words) - _COMMON
    if sum(word.isascii() for word in own) < len(own) / 2:
        return False  # another script shares no words with the facts, and is answered in for a reason
    known = {word.lower() for word in _WORD.findall(told)} | _FIELD | _keys()
    return len(own & known) < max(_ABOUT * len(own), _FEW)


@cache
def _keys() -> frozenset[str]:
    return frozenset(part for field in FIELDS for part in field.name.split("_"))


def _invented(text: str, told: str) -> list[str]:
    known = [_read(number) for number in _NUMBER.findall(told)]
    fresh = []
    for said in dict.fromkeys(_NUMBER.findall(text)):
        value = _read(said)
        counting = abs(value) <= _SMALL and value == int(value)
        if not counting and not any(_near(value, one) for one in known):
            fresh.append(said)
    return fresh


def _near(value: float, known: float) -> bool:
    """True for a figure that is `known`, rounded, as a percentage, or as a share."""
    return any(abs(value - one) <= _CLOSE * abs(one) for one in (known, -known, 100 * known, known / 100))


def _read(number: str) -> float:
    try:
        return float(number.replace(",", ""))
    except ValueError:
        return 0.0
