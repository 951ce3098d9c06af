"""Likeness to descriptions whose cause is known: words tell, too, where the ideas find nothing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final, cast

import msgspec

from engine.advisor.rules.described.spoken import Spoken, plain
from engine.findings import Category

_STEM: Final = 6
"""Letters of a word that count: endings say when and how many, not what."""
_SMOOTH: Final = 5.0
"""Descriptions that a category is thought to have had beside its own, with every word as usual."""
_MOST: Final = 2.5
_LEAST: Final = -0.5
"""Bounds of what one word may say, in log-odds."""
_SHARE: Final = 0.3
"""How much of it counts beside the signs; from 0.1 to 0.3 examples left out come out alike."""
_FOR: Final = 2.5
_AGAINST: Final = -4.0
"""Bounds of what all words together may say: for a cause they are never as strong as two signs."""
_WORD: Final = re.compile(r"[a-z_]{2,}|\d{3}")
_EMPTY: Final = frozenset(
    (
        *("the", "a", "an", "of", "to", "in", "is", "are", "was", "were", "be", "it", "its", "and", "or"),
        *("that", "this", "with", "for", "on", "at", "by", "as", "but", "my", "me", "we", "so", "if", "then"),
        *("than", "there", "which", "has", "have", "had", "do", "does"),
    )
)


class Learnt(msgspec.Struct, frozen=True):
    """How often each feature stood in the descriptions of a category, and how many of those there are."""

    features: dict[Category, Counter[str]]
    descriptions: dict[Category, int]


def likeness(said: Spoken) -> dict[Category, float]:
    """By category, log-odds by naive Bayes over words and pairs of words; empty where nothing is said."""
    if not said.text:
        return {}
    learnt = _learnt()
    everything = _everything()
    known = [feature for feature in _features(said.text) if feature in everything]
    whole = sum(learnt.descriptions.values())
    odds = {
        category: _SHARE * sum(_says(feature, category, learnt, everything, whole) for feature in known)
        for category in learnt.descriptions
    }
    return {category: max(_AGAINST, min(_FOR, value)) for category, value in odds.items()}


def _says(feature: str, category: Category, learnt: Learnt, seen: Counter[str], whole: int) -> float:
    usual = seen[feature] / whole
    here, among = learnt.features[category][feature], learnt.descriptions[category]
    odds = (here + _SMOOTH * usual) / (among + _SMOOTH) / usual
    return max(_LEAST, min(_MOST, math.log(odds)))


def _features(text: str) -> set[str]:
    words = [word[:_STEM] for word in _WORD.findall(text) if word not in _EMPTY]
    pairs = (f"{first} {second}" for first, second in pairwise(words))
    return {*words, *pairs}


@cache
def _learnt() -> Learnt:
    features: dict[Category, Counter[str]] = {}
    descriptions: Counter[Category] = Counter()
    for category, text in _examples():
        features.setdefault(category, Counter()).update(_features(plain(text)))
        descriptions[category] += 1
    return Learnt(features=features, descriptions=dict(descriptions))


@cache
def _everything() -> Counter[str]:
    return sum(_learnt().features.values(), Counter[str]())


def _examples() -> Iterator[tuple[Category, str]]:
    file = resources.files(__package__ or "").joinpath("examples.txt")
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            category, _, text = line.partition(": ")
            yield cast(Category, category), text
