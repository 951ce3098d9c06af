"""A case from a run of ours: its state, its recipe, and what its worker printed last."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from engine import events as ev
from engine.advisor.case import Case
from engine.advisor.read.log import lines_of
from engine.advisor.read.settings import settings_of
from engine.problem import Problem
from engine.recipe.yaml import read
from engine.run_dir import RunDir
from engine.run_state import RunState

_LINES: Final = 200


def case_of_run(directory: RunDir, state: RunState) -> Case:
    """What is known of a run.

    The console is listened to where the run failed. The curve is left out: the run's own watch has seen
    every step of it, and told what it saw.
    """
    plan, failed = state.plan, isinstance(state.outcome, ev.Failed) and state.status == "failed"
    return Case(
        lines=lines_of("\n".join(directory.console_tail(_LINES))) if failed else [],
        config=_settings(directory.recipe),
        findings=state.findings,
        phase=state.outcome.where if isinstance(state.outcome, ev.Failed) else state.phase,
        vocabulary=plan.prints.vocabulary if plan is not None else 0,
        steps=state.steps,
        ours=True,
    )


def _settings(recipe: Path) -> dict[str, Any]:
    try:
        said = msgspec.to_builtins(read(recipe).recipe)
    except (Problem, OSError):
        return {}
    return settings_of({name: value for name, value in said.items() if value is not None})
