"""From what is known of a run to what is wrong with it: the findings of all rules, the likeliest first."""

from __future__ import annotations

from itertools import groupby
from typing import Final

import msgspec

from engine.advisor.case import Case
from engine.advisor.doubt import settled
from engine.advisor.rules.described.spoken import is_printed, spoken
from engine.advisor.rules.table import RULES
from engine.findings import Finding

_ENDS: Final = {"blocker": 1.0, "warning": 0.75, "note": 0.3}
"""How much a finding of this severity has to do with why a run ended or was spoilt."""
_AGAIN: Final = 0.4
"""What a second rule adds to the first, of the doubt that is left: they read the same log."""
_IN_SPEECH: Final = 0.75
"""What a program's saying is worth in the words of a person."""
_SHOWN: Final = 8
"""Lines of evidence at most."""


def diagnose(case: Case) -> list[Finding]:
    """What the rules find, ranked: what explains the end of the run first, then the likelier.

    The run's own findings are among them, as they are. Of what the rules find, one stands for a category:
    the surest, with the evidence of the others. Where the first two look alike, a test decides, or is named.
    """
    found = _listened(case, [finding for rule in RULES for finding in rule(case)])
    by_category = groupby(
        sorted(found, key=lambda finding: finding.category), lambda finding: finding.category
    )
    said = [*_once(case.findings), *(_one(list(group)) for _, group in by_category)]
    return sorted(settled(case, sorted(said, key=_rank)), key=_rank)


def _listened(case: Case, found: list[Finding]) -> list[Finding]:
    """What a program says means one thing; the same words in a person's sentence may be there by chance."""
    if is_printed(case.lines) or not spoken(case.lines).text:
        return found
    return [
        msgspec.structs.replace(finding, confidence=round(finding.confidence * _IN_SPEECH, 3))
        if finding.check.startswith("log.")
        else finding
        for finding in found
    ]


def _rank(finding: Finding) -> tuple[float, str]:
    return -finding.confidence * _ENDS[finding.severity], finding.title


def _one(group: list[Finding]) -> Finding:
    """The surest of them, surer by what the others add."""
    first, *others = sorted(group, key=_rank)
    sure = first.confidence
    for other in others:
        sure += _AGAIN * (1 - sure) * other.confidence
    evidence = list(dict.fromkeys(line for finding in (first, *others) for line in finding.evidence))
    return msgspec.structs.replace(first, confidence=round(sure, 3), evidence=evidence[:_SHOWN])


def _once(findings: list[Finding]) -> list[Finding]:
    first: dict[tuple[str, str], Finding] = {}
    for finding in sorted(findings, key=_rank):
        first.setdefault((finding.category, finding.title), finding)
    return list(first.values())
