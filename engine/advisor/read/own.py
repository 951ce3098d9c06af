"""A case from a run of ours: its state, its recipe, and what its worker printed last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.advisor.case import Case
from engine.advisor.read.figures import point_of
from engine.advisor.read.log import lines_of
from engine.advisor.read.settings import settings_of
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.series import Series
from engine.watch.point import Point

_LINES: Final = 400


def case_of_run(directory: RunDir, state: RunState) -> Case:
    """What is known of a run, its files read."""
    return case_of_state(state, settings=_settings(directory.recipe), console=directory.console_tail(_LINES))


def case_of_state(
    state: RunState, *, settings: dict[str, Any] | None = None, console: Sequence[str] = ()
) -> Case:
    """What is known of a run without a look at its files: pure, and bounded as the state is.

    The console tells of an end, so only that of a run that failed is listened to.
    """
    plan = state.plan
    return Case(
        lines=lines_of("\n".join(console)) if state.status == "failed" else [],
        config=settings or {},
        points=points_of(state),
        findings=state.findings,
        phase=state.phase,
        vocabulary=plan.prints.vocabulary if plan is not None else 0,
        steps=state.steps,
        ours=True,
    )


def points_of(state: RunState) -> list[Point]:
    """The curve as the state keeps it: each step of a short run, the last of each bucket of a long one."""
    told: dict[int, dict[str, float | None]] = {}
    _add(told, "loss", state.loss)
    _add(told, "grad_norm", state.grad_norm)
    _add(told, "lr", state.lr)
    _add(told, "eval_loss", state.eval_loss)
    return [point_of(step, figures) for step, figures in sorted(told.items())]


def _add(told: dict[int, dict[str, float | None]], name: str, series: Series) -> None:
    for step, _, _, value in series.points():
        if math.isfinite(value):
            told.setdefault(step, {})[name] = value


def _settings(recipe: Path) -> dict[str, Any]:
    try:
        return settings_of(msgspec.to_builtins(read(recipe).recipe))
    except (Problem, OSError):
        return {}
