"""The adapter that a run starts from: whether it is there, and whether it fits the model and the recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.findings import Finding
from engine.preflight.findings import stopped
from engine.preflight.subject import Subject
from engine.problem import Problem
from engine.recipe.adapters import differences, prove_fit, saved_adapter


def look(subject: Subject) -> Iterator[Finding]:
    """Nothing where the run starts from none."""
    recipe = subject.recipe
    if recipe.adapter is None:
        return
    try:
        saved = saved_adapter(Path(recipe.adapter))
    except Problem as problem:
        yield stopped("checkpoint_resume", problem)
        return
    try:
        if subject.folder is not None:
            prove_fit(saved, subject.folder)
    except Problem as problem:
        yield stopped("merge_mismatch", problem)
        return
    yield from differences(saved, recipe)
