"""From a run's state and recipe to what it taught."""

from __future__ import annotations

import msgspec

from engine.lessons.lesson import Attempt, DataPrint, Lesson, ModelPrint, Seen
from engine.problem import Problem
from engine.recipe.yaml import read
from engine.remarks import name_of
from engine.run_dir import RunDir
from engine.run_state import RunState

_NOT_OF_USE = ("output_dir",)
_STOPS = ("blocker", "warning")


def lesson_of(state: RunState, directory: RunDir) -> Lesson:
    """What the run taught; what is not known of it stays empty."""
    plan = state.plan
    evaluations = state.eval_loss.points()
    return Lesson(
        run=state.run,
        name=state.name,
        created=state.created,
        updated=state.updated,
        status=state.status,
        reason=state.reason,
        parent=state.parent,
        model=ModelPrint(name=state.model, parameters=plan.parameters - plan.trainable if plan else 0),
        data=DataPrint(
            files=state.data,
            rows=plan.rows if plan else 0,
            eval_rows=plan.eval_rows if plan else 0,
            tokens=plan.tokens if plan else 0,
            label_tokens=plan.label_tokens if plan else 0,
            form=(plan.form or "") if plan else "",
        ),
        hardware=state.device,
        recipe=_recipe(directory),
        steps=state.step,
        planned=state.steps,
        epochs=state.epoch,
        loss=state.mean_loss,
        eval_loss=state.best_eval,
        first_eval_loss=evaluations[0][3] if evaluations else None,
        seconds=max(state.updated - state.created, 0.0),
        tokens_per_second=state.speed.latest or 0.0,
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
        tags=state.remarks.tags,
        note=state.remarks.note,
    )


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
