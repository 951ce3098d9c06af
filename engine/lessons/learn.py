"""From a run's state and recipe to what it taught."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

from engine.lessons.lesson import Attempt, DataPrint, Lesson, ModelPrint, Seen
from engine.problem import Problem
from engine.recipe.yaml import read
from engine.remarks import name_of
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.series import Series

_NOT_OF_USE: Final = ("output_dir",)
_STOPS: Final = ("blocker", "warning")
_FEWEST: Final = 5
"""Evaluations below which their noise cannot be told from their course."""
_MANY: Final = 2 * _FEWEST
"""From so many on the later half is looked at, which bends less."""


def lesson_of(state: RunState, directory: RunDir) -> Lesson:
    """What the run taught; what is not known of it stays empty."""
    evaluations = state.eval_loss.points()
    return Lesson(
        run=state.run,
        name=state.name,
        created=state.created,
        updated=state.updated,
        status=state.status,
        reason=state.reason,
        parent=state.parent,
        model=_model(state),
        data=_data(state),
        hardware=state.device,
        recipe=_recipe(directory),
        steps=state.step,
        planned=state.steps,
        epochs=state.epoch,
        loss=state.mean_loss,
        eval_loss=state.best_eval,
        first_eval_loss=evaluations[0][3] if evaluations else None,
        eval_noise=noise([last for _, _, _, last in evaluations]),
        seconds=max(state.updated - state.created, 0.0),
        tokens_per_second=_usual(state.speed),
        evaluation=_told(state.eval_figures),
        predicted_memory=state.predicted.bytes if state.predicted else 0,
        peak_memory=state.memory_peak,
        findings=[
            Seen(
                name=name_of(f),
                category=f.category,
                severity=f.severity,
                title=f.title,
                step=f.step,
                patch=f.patch,
            )
            for f in state.findings
        ],
        attempts=_attempts(state),
        dismissed=[dismissed.found for dismissed in state.remarks.dismissed],
        tags=state.remarks.tags,
        note=state.remarks.note,
        forgotten=state.remarks.forgotten,
    )


def _model(state: RunState) -> ModelPrint:
    plan = state.plan
    if plan is None:
        return ModelPrint(name=state.model)
    prints = plan.prints
    return ModelPrint(
        name=state.model,
        family=prints.family,
        parameters=max(plan.parameters - plan.trainable, 0),
        layers=prints.layers,
        hidden=prints.hidden,
        vocabulary=prints.vocabulary,
    )


def _data(state: RunState) -> DataPrint:
    plan = state.plan
    if plan is None:
        return DataPrint(files=state.data)
    prints = plan.prints
    return DataPrint(
        files=state.data,
        digest=prints.rows,
        eval_digest=prints.held,
        rows=plan.rows,
        eval_rows=plan.eval_rows,
        tokens=plan.tokens,
        label_tokens=plan.label_tokens,
        form=plan.form or "",
        template=prints.template,
        mask=prints.mask,
        tokenizer=prints.tokenizer,
    )


def _usual(speed: Series) -> float:
    """The median over the run: its last step may have been a short one."""
    known = [last for _, _, _, last in speed.points()]
    return median(known) if known else 0.0


def _told(figures: dict[str, Series]) -> dict[str, float]:
    return {name: value for name, series in figures.items() if (value := series.latest) is not None}


def noise(losses: Sequence[float]) -> float | None:
    """Standard deviation of the noise in evaluations that follow a curve; None below five of them.

    A second difference of a curve that bends slowly is noise alone, and has six times its variance.
    """
    late = losses[len(losses) // 2 :] if len(losses) >= _MANY else losses
    if len(late) < _FEWEST:
        return None
    bends = [a - 2 * b + c for a, b, c in zip(late, late[1:], late[2:], strict=False)]
    return math.sqrt(math.fsum(bend * bend for bend in bends) / (6 * len(bends)))


def _recipe(directory: RunDir) -> dict[str, object]:
    try:
        recipe = read(directory.recipe).recipe
    except (Problem, OSError):
        return {}
    fields: dict[str, object] = msgspec.to_builtins(recipe)
    return {name: value for name, value in fields.items() if name not in _NOT_OF_USE}


def _attempts(state: RunState) -> list[Attempt]:
    return [
        Attempt(
            finding=tried.found,
            category=tried.category,
            patch=tried.patch,
            after=tried.run,
            by=tried.by,
            helped=_helped(state, tried.found),
        )
        for tried in state.remarks.tried
    ]


def _helped(state: RunState, finding: str) -> bool | None:
    """A patch has helped where the run ended well and what it was for was not found again."""
    if not state.ended:
        return None
    again = any(name_of(f) == finding and f.severity in _STOPS for f in state.findings)
    return state.status == "succeeded" and not again
