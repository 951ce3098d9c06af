"""A description weighed: which causes it speaks for, and how sure that makes one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from engine.advisor.case import Case
from engine.advisor.rules.described.causes import CAUSES
from engine.advisor.rules.described.hints import hints_of
from engine.advisor.rules.described.likeness import likeness
from engine.advisor.rules.described.signs import SIGNS, Sign
from engine.advisor.rules.described.spoken import Spoken, is_printed, spoken
from engine.findings import Category, Finding

_FURTHER: Final = 0.4
"""What a further sign of the same cause adds: people say a thing twice."""
_UNKNOWN: Final = 1.3
"""Log-odds of a cause that the rules do not know."""
_SURE: Final = 0.85
"""A description is never as sure as a message of a program."""
_PRINTED: Final = 0.4
"""The words of a program mean what it prints them for: its sayings have rules of their own."""
_LEAST: Final = 0.08
"""Below this a cause is not told; the likeliest may be half as likely, where there is any sign at all."""
_MAYBE: Final = 0.2
"""Below this it is no more than a possibility, and told as a warning."""
_TOLD: Final = 4
"""Findings at most."""


def described(case: Case) -> Iterator[Finding]:
    """The likeliest causes of what a person describes; nothing for the log of a program or of our own run."""
    said = Spoken() if case.ours else spoken(case.lines)
    hints = hints_of(case.config)
    odds = likeness(said)
    signs = _spoken_for(said)
    for category, those in signs.items():
        strength = _together([sign.weight for sign in those]) + hints.get(category, (0.0, []))[0]
        odds[category] = odds.get(category, 0.0) + strength
    whole = math.exp(_UNKNOWN) + sum(math.exp(value) for value in odds.values())
    printed = is_printed(case.lines)
    sure = _PRINTED if printed else _SURE
    ranked = sorted(odds.items(), key=lambda pair: -pair[1])
    for at, (category, value) in enumerate(ranked[:_TOLD]):
        confidence = round(sure * math.exp(value) / whole, 3)
        if confidence >= (_LEAST if at or not signs else _LEAST / 2):
            finding = _finding(said, category, confidence, hints.get(category, (0.0, []))[1])
            yield msgspec.structs.replace(finding, severity="warning") if printed else finding


def _spoken_for(said: Spoken) -> dict[Category, list[Sign]]:
    found: dict[Category, list[Sign]] = {}
    for sign in SIGNS:
        if said.says(sign.needs) and not said.says_any(sign.unless):
            found.setdefault(sign.category, []).append(sign)
    return found


def _together(weights: list[float]) -> float:
    strongest = max(weights)
    return strongest + _FURTHER * (sum(weights) - strongest)


def _finding(said: Spoken, category: Category, confidence: float, settings: list[str]) -> Finding:
    signs = _spoken_for(said).get(category, [])
    words = list(dict.fromkeys(word for sign in signs for word in said.words_for(sign.needs)))
    cause = CAUSES[category]
    return Finding(
        category=category,
        severity="blocker" if confidence >= _MAYBE else "warning",
        title=cause.title,
        confidence=confidence,
        evidence=[
            "said: " + ", ".join(f"“{word}”" for word in words[:5]),
            *(f"set: {it}" for it in settings),
        ],
        cause=cause.cause,
        remedy=cause.remedy,
        check=f"described.{category}",
    )
