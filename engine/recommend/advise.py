"""The whole recommendation: a first guess by what is known, changed by what was lived through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.findings import SEVERITIES
from engine.lessons.lesson import Lesson
from engine.recommend import experience, memory, published
from engine.recommend.failures import Past
from engine.recommend.length import length
from engine.recommend.situation import Situation
from engine.recommend.suggestions import suggest
from engine.recommend.values import Plan, Recommendation
from engine.text import amount

_NEWEST: Final = 300
"""Runs among which failures are looked for: each setting that is thought of is held against them."""


def recommend(situation: Situation, lessons: Sequence[Lesson] = ()) -> Recommendation:
    """A value for each field that decides, and why.

    Args:
        situation: the model, the rows and the memory.
        lessons: what past runs taught, the newest first; without any it is the first guess.
    """
    plan = first_guess(situation)
    usable = [lesson for lesson in lessons if lesson.recipe]
    past = Past(situation.fingerprint(), usable[:_NEWEST])
    found = past.avoid(plan)
    gain = experience.learn(situation, plan, usable, past)
    found += memory.fit(situation, plan, usable)
    said = {finding.title for finding in found}
    found += [finding for finding in past.against(plan.recipe) if finding.title not in said]
    found += suggest(situation, plan.recipe)
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Recommendation(
        recipe=plan.recipe,
        values=plan.told(),
        findings=found,
        facts=list(_facts(situation, plan)),
        notes=_notes(situation),
        peak_bytes=memory.peak(situation, plan.recipe),
        memory_bytes=situation.limit.bytes if situation.limit is not None else None,
        runs=gain.runs,
        expected_gain=gain.share,
    )


def first_guess(situation: Situation) -> Plan:
    """What is published, held against the model and the rows; nothing of past runs."""
    plan = Plan(situation.recipe, situation.kept)
    published.objective(situation, plan)
    length(situation, plan)
    published.adapter(situation, plan)
    published.course(situation, plan)
    published.rates(situation, plan)
    return plan


def _facts(situation: Situation, plan: Plan) -> Sequence[str]:
    told = []
    rows, steps = situation.trained(plan.recipe), situation.steps(plan.recipe)
    if rows is not None:
        learnt = situation.learnt(plan.recipe.max_length)
        counted = f", {learnt:,} tokens to learn" if learnt else ""
        told.append(f"{rows:,} rows to learn from{counted}")
    if steps is not None:
        told.append(f"{steps:,} steps of {plan.recipe.step_rows:,} rows")
    peak = memory.peak(situation, plan.recipe)
    if peak is not None and situation.limit is not None:
        told.append(f"about {amount(peak)} of memory, and there are {situation.limit}")
    return told


def _notes(situation: Situation) -> list[str]:
    notes = []
    if not situation.config:
        notes.append(
            "Nothing is known of the model's size: rate, rank and memory are not fitted to it. "
            "`openlora pull MODEL` fetches it."
        )
    if situation.rows is None:
        notes.append("The rows are not known: epochs and rows a step are not fitted to them.")
    if not situation.has_tokens:
        notes.append("The rows' tokens could not be counted: length and rank are not fitted to them.")
    if situation.share < 1:
        notes.append(f"{situation.share:.0%} of the data was looked at; the figures are scaled up from it.")
    return notes
