"""The settings that past runs can speak of, and where they lie beside one another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from engine.lessons.lesson import Lesson, ModelPrint
from engine.recommend.published import guessed_rate
from engine.recommend.surrogate import Point

_RATE, _ROWS, _EPOCHS, _RANK, _SCALE, _TARGETS, _SCHEDULE = range(7)
_UNITS: Final = (1.7, 1.5, 1.2, 2.5, 2.0)
"""Doublings of rate, rows a step, epochs, rank and scale that make a difference: a rate three times as high
is about as far as half or twice the rows."""
_ATTENTION: Final = 0.8
_SCHEDULES: Final = {"cosine": 0.0, "linear": 0.2, "constant": 0.5}
_COST: Final = (0.08, 0.03, 0.03, 0.01, 0.02, 0.08, 0.05)
"""What is published: the share of the possible gain that is missed one unit away from it; it grows with the
square of the distance."""


def point_of(recipe: Mapping[str, Any], model: ModelPrint, steps: int | None) -> Point | None:
    """Where the settings of a recipe lie, its rate beside the published one; None for what has no place.

    Args:
        recipe: fields by name, all of them.
        model: with its width.
        steps: of the run.
    """
    schedule, rank = recipe.get("lr_scheduler_type"), recipe.get("lora_r")
    if schedule not in _SCHEDULES or not isinstance(rank, int) or not model.hidden:
        return None
    guess = guessed_rate(model.family, model.hidden, model.parameters, steps)
    rows = recipe["per_device_train_batch_size"] * recipe["gradient_accumulation_steps"]
    root = math.sqrt(rank) if recipe.get("use_rslora") else rank
    amounts = (
        recipe["learning_rate"] / guess, rows, recipe["num_train_epochs"], rank, recipe["lora_alpha"] / root,
    )  # fmt: skip
    if min(amounts) <= 0:
        return None
    places = [math.log2(amount) / unit for amount, unit in zip(amounts, _UNITS, strict=True)]
    targets = _ATTENTION * (recipe.get("target_modules") != "all-linear")
    return (*places, targets, _SCHEDULES[schedule])


def point_of_run(lesson: Lesson, model: ModelPrint) -> Point | None:
    """Where a past run's settings lie; `model` is its base model, as far as that is known."""
    try:
        return point_of(lesson.recipe, model, lesson.planned or lesson.steps or None)
    except (KeyError, TypeError):  # an imported lesson may lack fields, or have others
        return None


def prior(centre: Point) -> Any:
    """What is published as a bowl around the first guess, in shares of the gain that are missed."""

    def cost(point: Point) -> float:
        return sum(c * (a - b) ** 2 for c, a, b in zip(_COST, point, centre, strict=True))

    return cost
