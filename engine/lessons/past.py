"""What past runs say of a finding: where it was met before, what was tried, and whether that helped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from engine.findings import Finding
from engine.lessons.lesson import Attempt, Lesson
from engine.remarks import name_of

_NAMED: Final = 3
"""Runs that are called by their ids; the rest is counted."""
_HELPED: Final = {True: "that helped", False: "that did not help", None: "that is still open"}


def past_of(finding: Finding, lessons: Iterable[Lesson], *, without: str = "") -> list[str]:
    """A line for each patch that was tried against the same finding, then where else it was met.

    Args:
        finding: what was found now.
        lessons: of past runs, the newest or the most alike first.
        without: the id of the run that is looked at, which does not count.
    """
    name = name_of(finding)
    others = [lesson for lesson in lessons if lesson.run != without]
    tried = [
        f"run {lesson.run} tried {attempt.patch.label}: {_HELPED[attempt.helped]}"
        for lesson in others
        for attempt in lesson.attempts
        if _against(attempt, finding, name)
    ]
    met = [lesson.run for lesson in others if any(seen.name == name for seen in lesson.findings)]
    return [*tried[:_NAMED], *([f"met before in {_runs(met)}"] if met else [])]


def _against(attempt: Attempt, finding: Finding, name: str) -> bool:
    return attempt.finding == name and attempt.category == finding.category


def _runs(runs: list[str]) -> str:
    if len(runs) == 1:
        return f"run {runs[0]}"
    more = len(runs) - _NAMED
    return f"runs {', '.join(runs[:_NAMED])}{f' and {more} more' if more > 0 else ''}"
