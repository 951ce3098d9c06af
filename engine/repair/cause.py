"""Why a run of ours ended, as the advisor says it: the surest first."""

from __future__ import annotations

from engine import events as ev
from engine.advisor.diagnose import diagnose
from engine.advisor.read.own import case_of_run
from engine.findings import Finding
from engine.run_dir import RunDir
from engine.run_state import RunState


def causes(directory: RunDir, state: RunState) -> list[Finding]:
    """What is wrong with the run, blockers before warnings; notes mend nothing.

    A run that ended without a finding is explained by its last word.
    """
    found = [one for one in diagnose(case_of_run(directory, state)) if one.severity != "note"]
    if found or not isinstance(state.outcome, ev.Failed):
        return sorted(found, key=lambda one: one.severity != "blocker")
    said = state.outcome
    evidence = [text for text in (said.where, said.why) if text]
    return [
        Finding(
            category="other", severity="blocker", title=said.what, confidence=0.5, evidence=evidence,
            cause=said.why, remedy=said.do, check="last_word",
        )
    ]  # fmt: skip
