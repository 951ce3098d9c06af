"""The learning rate as a pure function of the step; light, so that a choice can be shown beforehand."""

from __future__ import annotations

import math

from engine.rate_range import KIND, SPAN
from engine.recipe.recipe import Recipe


def rate_at(step: int, recipe: Recipe, steps: int) -> float:
    """The rate of optimizer step `step`, counted from 1, of a run of `steps`.

    The schedule begins anew after the step `restart_step`, where the recipe names one.
    """
    begin, end = stretch(step, steps, recipe.restart_step)
    return learning_rate(
        step - begin,
        peak=recipe.learning_rate,
        steps=end - begin,
        warmup=warmup_steps(end - begin, recipe.warmup_ratio),
        kind=recipe.lr_scheduler_type,
    )


def stretch(step: int, steps: int, restart: int) -> tuple[int, int]:
    """Which steps share one course of the schedule with `step`: those after the first, up to the second."""
    if not 0 < restart < steps:
        return 0, steps
    return (0, restart) if step <= restart else (restart, steps)


def warmup_steps(steps: int, ratio: float) -> int:
    """Steps of warm-up, rounded up as Hugging Face does."""
    return min(math.ceil(steps * ratio), steps)


def learning_rate(step: int, *, peak: float, steps: int, warmup: int, kind: str) -> float:
    """The rate of optimizer step `step`, counted from 1 to `steps`.

    After warm-up the rates are those of transformers' `get_cosine_schedule_with_warmup`,
    `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup`: with
    p = (step - 1 - warmup) / (steps - warmup), peak * (1 + cos(pi * p)) / 2, or peak * (1 - p), or peak.
    In warm-up it is peak * step / (warmup + 1), where transformers begins at 0 and so spends the
    first step on nothing. A range test knows no warm-up: it rises by one factor in each step, to the peak.
    """
    if kind == KIND:
        return float(peak * SPAN ** ((step - steps) / max(steps - 1, 1)))
    if step <= warmup:
        return peak * step / (warmup + 1)
    if kind == "constant":
        return peak
    past = (step - 1 - warmup) / max(steps - warmup, 1)
    left = 1 - min(past, 1.0)
    return peak * (left if kind == "linear" else 0.5 * (1 + math.cos(math.pi * (1 - left))))
