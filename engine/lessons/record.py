"""What became of each rule's advice here: applied, helped, harmed, dismissed; bad advice grows quiet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from engine.findings import Category, Finding
from engine.lessons.dismissals import Standing
from engine.lessons.lesson import Attempt, Lesson
from engine.remarks import name_of

_DISMISSALS: Final = 3
"""Of a finding that has never helped: from then on it is a note."""
_HARMS: Final = 2
_WORSE: Final = 0.02
"""Share by which a held-out loss has to rise to count as harm where its noise is not known."""


class Record(msgspec.Struct, kw_only=True):
    """What became of what one rule, or one category of findings without a rule's name, advised."""

    name: str
    category: Category | None = None
    found: int = 0
    """Runs in which it was found."""
    applied: int = 0
    helped: int = 0
    harmed: int = 0
    """Runs that failed or ended worse with the patch than without it."""
    dismissed: int = 0

    @property
    def bad(self) -> bool:
        """True where people here are better served by a note."""
        unwanted = self.dismissed >= _DISMISSALS and self.dismissed > 2 * self.helped
        return unwanted or (self.harmed >= _HARMS and self.harmed > self.helped)

    @property
    def told(self) -> str:
        """The record in a line; empty where there is none."""
        words = (("applied", self.applied), ("helped", self.helped), ("harmed", self.harmed),
                 ("put aside", self.dismissed))  # fmt: skip
        known = [f"{word} {times(count)}" for word, count in words if count]
        return f"here {', '.join(known)}" if known else ""


def records(lessons: Iterable[Lesson], standing: Iterable[Standing] = ()) -> dict[str, Record]:
    """The record of each rule that was ever heard of here, by `name_of` its findings."""
    known = {lesson.run: lesson for lesson in lessons}
    found: dict[str, Record] = {}

    def record(name: str) -> Record:
        return found.setdefault(name, Record(name=name))

    for lesson in known.values():
        for seen in {seen.name: seen for seen in lesson.findings}.values():
            one = record(seen.name)
            one.found, one.category = one.found + 1, one.category or seen.category
        for name in set(lesson.dismissed):
            record(name).dismissed += 1
        for attempt in lesson.attempts:
            one = record(attempt.finding or attempt.category)
            one.category = one.category or attempt.category
            one.applied += 1
            harmed = harm(lesson, attempt, known.get(attempt.after))
            one.harmed += harmed
            one.helped += bool(attempt.helped) and not harmed
    for each in standing:
        record(each.found).dismissed += 1
    return found


def harm(lesson: Lesson, attempt: Attempt, before: Lesson | None) -> bool:
    """True where the run did worse with the patch than the one before it did without."""
    if before is None or attempt.helped is None:
        return False
    if lesson.status == "failed" and before.status != "failed":
        return True
    if lesson.eval_loss is None or before.eval_loss is None or lesson.data.mask != before.data.mask:
        return False
    margin = 2 * max(lesson.eval_noise or 0.0, before.eval_noise or 0.0, _WORSE / 2 * abs(before.eval_loss))
    return lesson.eval_loss > before.eval_loss + margin


def quieted(finding: Finding, known: Mapping[str, Record]) -> Finding:
    """The finding as a note where its advice has a bad record here; what would stop a run stays loud."""
    record = known.get(name_of(finding))
    if record is None or not record.bad or finding.severity != "warning":
        return finding
    return msgspec.structs.replace(finding, severity="note", evidence=[*finding.evidence, record.told])


def times(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")
