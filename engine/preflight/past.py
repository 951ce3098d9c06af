"""What past runs and dismissals make of a verdict: history is added, bad advice quiet, some put aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.findings import SEVERITIES, Finding
from engine.lessons.alike import Fingerprint
from engine.lessons.dismissals import About, Standing, is_dismissed
from engine.lessons.fingerprints import model_print
from engine.lessons.history import history
from engine.lessons.lesson import DataPrint, Lesson
from engine.lessons.record import Record, quieted, records
from engine.memory import limit
from engine.preflight.subject import Subject
from engine.preflight.verdict import Prospect, Verdict
from engine.problem import Problem
from engine.recipe.resuming import values

_CPU: Final = "cpu"


class Past(msgspec.Struct, frozen=True):
    """What a home knows before a run."""

    lessons: Sequence[Lesson] = ()
    standing: Sequence[Standing] = ()
    records: Mapping[str, Record] = {}


def past_of(lessons: Sequence[Lesson], standing: Sequence[Standing]) -> Past:
    """What ended runs and dismissals say, ready to be asked often."""
    return Past(lessons, standing, records(lessons, standing))


def prospect_of(subject: Subject) -> Prospect:
    """What the run would be, as past runs are compared with it."""
    recipe = subject.recipe
    files = [str(entry) for entry in recipe.data_entries]
    mark = Fingerprint(
        model=model_print(recipe.model, subject.config),
        data=DataPrint(files=files, rows=subject.size.rows or 0),
        hardware=_hardware(subject),
        objective=recipe.objective,
        method=recipe.method,
    )
    return Prospect(mark=mark, recipe=values(recipe))


def remembered(verdict: Verdict, past: Past) -> Verdict:
    """The verdict with what past runs say of it, without what was put aside."""
    found = [quieted(finding, past.records) for finding in verdict.findings]
    facts = list(verdict.facts)
    prospect = verdict.prospect
    if prospect is not None:
        found += history(prospect.recipe, prospect.mark, past.lessons)
        about = About(files=prospect.mark.data.files, model=prospect.mark.model.name)
        kept = [
            one
            for one in found
            if one.severity == "blocker" or is_dismissed(one, about, past.standing) is None
        ]
        if len(kept) < len(found):
            facts.append(f"put aside by you: {_named(found, kept)}")
        found = kept
    gravest = sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
    return msgspec.structs.replace(verdict, findings=gravest, facts=facts)


def warned(found: Iterable[Finding]) -> list[Finding]:
    """Those that say that these settings have failed here."""
    return [one for one in found if one.category == "history" and one.severity == "warning"]


def _named(found: list[Finding], kept: list[Finding]) -> str:
    titles = [one.title for one in found if one not in kept]
    return "; ".join(titles[:3]) + (f" and {len(titles) - 3:,} more" if len(titles) > 3 else "")


def _hardware(subject: Subject) -> str:
    """As a run tells its device; empty where that is not known."""
    try:
        there: Any = limit.there(subject.recipe, subject.cards, subject.env)
    except Problem:
        return ""
    return str(there.name) if there.cuda else _CPU
