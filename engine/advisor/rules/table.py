"""All rules; the order says nothing, confidence does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from engine.advisor.case import Case
from engine.advisor.rules.curve import curve
from engine.advisor.rules.described.weigh import described
from engine.advisor.rules.figures.judge import figures
from engine.advisor.rules.said.heard import heard
from engine.findings import Finding

Rule = Callable[[Case], Iterable[Finding]]
"""Looks at a case and says what it is sure enough of. Pure: no files, no clock, no randomness."""

RULES: Final[tuple[Rule, ...]] = (
    curve,
    described,
    figures,
    heard,
)
