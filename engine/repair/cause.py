"""Why a run of ours ended, as the advisor says it: the surest first."""

from __future__ import annotations

import msgspec

from engine import events as ev
from engine.advisor.case import Case
from engine.advisor.diagnose import diagnose
from engine.findings import Finding
from engine.problem import Problem
from engine.recipe.yaml import read
from engine.run_dir import RunDir
from engine.run_state import RunState

_LINES = 200


def causes(directory: RunDir, state: RunState) -> list[Finding]:
    """What is wrong with the run, blockers before warnings; notes mend nothing.

    A run that ended without a finding is explained by its last word.
    """
    found = [one for one in diagnose(_case(directory, state)) if one.severity != "note"]
    if found or not isinstance(state.outcome, ev.Failed):
        return found
    said = state.outcome
    evidence = [text for text in (said.where, said.why) if text]
    return [
        Finding(
            category="other", severity="blocker", title=said.what, confidence=0.5, evidence=evidence,
            cause=said.why, remedy=said.do, check="last_word",
        )
    ]  # fmt: skip


def _case(directory: RunDir, state: RunState) -> Case:
    """The curve is left out: the run's own watch has seen every step of it, and told what it saw."""
    try:
        config = msgspec.to_builtins(read(directory.recipe).recipe)
    except (Problem, OSError):
        config = {}
    failed = isinstance(state.outcome, ev.Failed)
    return Case(
        lines=directory.console_tail(_LINES) if failed else [],
        config={name: value for name, value in config.items() if value is not None},
        findings=state.findings,
        phase=state.outcome.where if isinstance(state.outcome, ev.Failed) else "",
        steps=state.steps,
        ours=True,
    )
