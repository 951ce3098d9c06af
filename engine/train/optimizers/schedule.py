"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math


def warmup_steps(steps: int, ratio: float) -> int:
    """Steps of warm-up, rounded up as Hugging Face does."""
    return min(math.ceil(steps * ratio), steps)


def learning_rate(step: int, *, peak: float, steps: int, warmup: int, kind: str) -> float:
    """The rate of optimizer step `step`, counted from 1 to `steps`.

    After warm-up the rates are those of transformers' `get_cosine_schedule_with_warmup`,
    `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup`: with
    p = (step - 1 - warmup) / (steps - warmup), peak * (1 + cos(pi * p)) / 2, or peak * (1 - p), or peak.
    In warm-up it is peak * step / (warmup + 1), where transformers begins at 0 and so spends the
    first step on nothing.
    """
    if step <= warmup:
        return peak * step / (warmup + 1)
    if kind == "constant":
        return peak
    past = (step - 1 - warmup) / max(steps - warmup, 1)
    left = 1 - min(past, 1.0)
    return peak * (left if kind == "linear" else 0.5 * (1 + math.cos(math.pi * (1 - left))))
