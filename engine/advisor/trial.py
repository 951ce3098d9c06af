"""On a run of ours the test is made: how many labels the rows of the step had whose loss says nothing."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.advisor.doubt import refuted
from engine.eaten.look import Kitchen
from engine.eaten.suspect import suspect_step
from engine.eaten.told import Eaten, Row
from engine.findings import Finding
from engine.problem import Problem
from engine.run_dir import RunDir
from engine.run_state import RunState

_DECIDED_BY_LABELS: Final = ("loss_zero", "nan_or_inf")
_NAMED: Final = 5
_SURE: Final = 0.97


def tried(directory: RunDir, state: RunState, found: list[Finding]) -> list[Finding]:
    """`found`, and where the likeliest cause is one that labels decide, what they say.

    The rows are read and tokenised as they were for the run, without torch; a run whose data is not what
    it was is told nothing more.
    """
    asked = next((finding for finding in found if finding.severity != "note"), None)
    if asked is None or asked.category not in _DECIDED_BY_LABELS:
        return found
    try:
        eaten = Kitchen(directory).eaten(asked.step or suspect_step(state))
    except Problem:
        return found
    return judged(found, asked, eaten)


def judged(found: list[Finding], asked: Finding, eaten: Eaten) -> list[Finding]:
    """What the rows of the step say to `asked`, the likeliest of `found`."""
    bare = [row for row in eaten.rows if row.learnt == 0]
    labels, tokens = sum(row.learnt for row in eaten.rows), sum(row.tokens for row in eaten.rows)
    said = f"test: {labels:,} of the {tokens:,} tokens of step {eaten.step:,} have a label"
    if labels:
        told = [said, *([f"test: {len(bare)} of its {len(eaten.rows)} rows have none"] if bare else [])]
        cause = (
            "Labels are there, so it is not masking: numbers beyond the precision, or rows known by heart."
        )
        sure = msgspec.structs.replace(asked, evidence=[*told, *asked.evidence], cause=cause)
        return [sure if finding is asked else finding for finding in found]
    return [_masked(eaten, bare, said), *(refuted(each) if each is asked else each for each in found)]


def _masked(eaten: Eaten, bare: list[Row], said: str) -> Finding:
    return Finding(
        category="loss_zero",
        severity="blocker",
        title=f"Step {eaten.step:,} had no token to learn from",
        confidence=_SURE,
        evidence=[said],
        cause="The answers of its rows are empty, masked by the template, or cut off.",
        remedy="Read the rows; raise max_length where they are cut, correct the template where it masks all.",
        step=eaten.step,
        places=[row.where for row in bare[:_NAMED]],
        check="test.labels",
    )
