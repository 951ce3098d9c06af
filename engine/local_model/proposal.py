"""Checks a change that someone proposes before it can be applied: nothing unsound leaves here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from engine.findings import Finding, Patch
from engine.lessons.lesson import Lesson
from engine.local_model.talk import Proposal
from engine.preflight import method, numbers
from engine.preflight.patches import patch
from engine.preflight.subject import Subject
from engine.problem import Problem
from engine.recipe.check import Mistake, value_of
from engine.recipe.fields import field_named
from engine.recipe.recipe import Recipe
from engine.recipe.yaml import RecipeFile, changed
from engine.text import one_line

PROPOSABLE: Final = (
    "learning_rate", "lr_scheduler_type", "warmup_ratio", "num_train_epochs", "per_device_train_batch_size",
    "gradient_accumulation_steps", "max_grad_norm", "weight_decay", "lora_r", "lora_alpha", "lora_dropout",
    "max_length", "gradient_checkpointing", "load_in_4bit", "mixed_precision", "use_rslora", "optim",
    "early_stopping_patience", "load_best_model_at_end", "eval_steps", "save_steps", "train_on",
    "on_divergence",
)  # fmt: skip
"""Fields that an advisor may speak for; what decides where things come from and go to is a person's."""
_SAID: Final = 300


class Unsound(Exception):
    """Why a proposal was not let through."""


def checked(
    values: Mapping[str, object],
    cites: Sequence[int],
    recipe: RecipeFile,
    lessons: Sequence[Lesson] = (),
    *,
    fields: Collection[str] = PROPOSABLE,
) -> Proposal | None:
    """The change as it can be applied; None where it changes nothing.

    Args:
        values: fields and their new values, not trusted.
        cites: numbers of the findings that it rests on.
        recipe: that which would be changed.
        lessons: of past runs; a value that failed there is warned of.
        fields: those that may be changed.

    Raises:
        Unsound: it is no change of this recipe that could be run, or one that would spoil it.
    """
    sound = {name: _value(name, raw, fields) for name, raw in values.items()}
    sound = {name: value for name, value in sound.items() if value != getattr(recipe.recipe, name)}
    if not sound:
        return None
    try:
        after = changed(recipe, sound)
        fresh = _worse(recipe.resolved(), after.resolved())
    except Problem as problem:
        raise Unsound(one_line(f"{problem.what} {problem.why}", _SAID).rstrip(". ")) from problem
    blockers = [finding.title for finding in fresh if finding.severity == "blocker"]
    if blockers:
        raise Unsound(one_line(blockers[0], _SAID))
    warnings = [finding.title for finding in fresh if finding.severity == "warning"]
    return Proposal(
        patch=patch(recipe.recipe, **sound),
        cites=list(cites),
        warnings=[*warnings, *_failed_before(sound, recipe.recipe, lessons)],
    )


def of_patch(
    made: Patch | None, cites: Sequence[int], recipe: RecipeFile | None, lessons: Sequence[Lesson] = ()
) -> Proposal | None:
    """A finding's own patch by the same checks; None where there is none, or it does not fit any more."""
    if made is None or recipe is None or not made.recipe:
        return None
    try:
        return checked(made.recipe, cites, recipe, lessons, fields=made.recipe)
    except Unsound:
        return None


def _value(name: str, raw: object, fields: Collection[str]) -> object:
    field = field_named(name)
    if field is None or name not in fields:
        raise Unsound(f"{one_line(name, 40)} is no field that an advisor may change")
    try:
        return value_of(field, raw)
    except Mistake as mistake:
        raise Unsound(f"{name}: {mistake.why}") from mistake


def _worse(before: Recipe, after: Recipe) -> list[Finding]:
    """What the checks of a recipe's numbers say of the changed one, and not of the one before."""
    known = {(finding.category, finding.title) for finding in _looks(before)}
    return [finding for finding in _looks(after) if (finding.category, finding.title) not in known]


def _looks(recipe: Recipe) -> list[Finding]:
    subject = Subject(recipe, [])
    return [*numbers.look(subject), *method.look(subject)]


def _failed_before(values: Mapping[str, object], recipe: Recipe, lessons: Sequence[Lesson]) -> list[str]:
    """What past runs of this model say of the same values."""
    said = []
    for name, value in values.items():
        tried = [one for one in lessons if one.model.name == recipe.model and one.recipe.get(name) == value]
        failed = [one.run for one in tried if one.status == "failed"]
        if failed:
            said.append(f"{name} {value} failed before on this model (runs {', '.join(failed[:4])})")
    return said
