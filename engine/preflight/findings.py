"""Refusals and problems as the findings of a check."""

from __future__ import annotations

from engine.data.refusal import Refusal, as_refusal
from engine.findings import Category, Finding, Patch
from engine.problem import Problem


def refused(refusal: Refusal, *, sure: bool = True, change: Patch | None = None) -> Finding:
    """What would stop the run, in the words in which a run is told; a warning where it is not sure."""
    return Finding(
        category=refusal.category,
        severity="blocker" if sure else "warning",
        title=refusal.what,
        confidence=1.0 if sure else 0.7,
        evidence=[refusal.where] if "/" in refusal.where else [],
        cause=refusal.why,
        remedy=refusal.do,
        patch=change,
    )


def stopped(category: Category, problem: Problem, change: Patch | None = None) -> Finding:
    """A problem without a category of its own."""
    return refused(problem if isinstance(problem, Refusal) else as_refusal(category, problem), change=change)
