"""From what is known of a run to what is wrong with it: the findings of all rules, the likeliest first."""

from __future__ import annotations

from engine.advisor.case import Case
from engine.advisor.rules.table import RULES
from engine.findings import SEVERITIES, Finding


def diagnose(case: Case) -> list[Finding]:
    """What the rules find, ranked: what explains the end of the run first, then the likelier.

    The run's own findings are among them. One finding stands for a category: the surest, with the
    evidence of the others.
    """
    said = [*case.findings, *(finding for rule in RULES for finding in rule(case))]
    return sorted(_one_each(said), key=_rank)


def _rank(finding: Finding) -> tuple[int, float]:
    return SEVERITIES.index(finding.severity), -finding.confidence


def _one_each(said: list[Finding]) -> list[Finding]:
    first: dict[tuple[str, str], Finding] = {}
    for finding in sorted(said, key=_rank):
        first.setdefault((finding.category, finding.title), finding)
    return list(first.values())
