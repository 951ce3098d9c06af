"""Successive halving: many candidates for a few steps, the better third for three times as many, so on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.problem import Problem
from engine.recipe.recipe import Recipe

ETA: Final = 3
"""The share that goes on, and the factor by which its steps grow; 3 as in Hyperband (arXiv 1603.06560)."""
TRIALS: Final = 9
BUDGET: Final = 450
"""Steps of all trials together; with nine of them 30 for each, and 60 more for the best three."""
LEAST: Final = 5
"""Steps below which a held-out loss says nothing."""
_RATES: Final = (1.0, 1 / 3, 3.0, 0.1, 10.0)
_RANKS: Final = (1.0, 2.0, 0.5)
_FACTORS: Final = (1.0, 0.5)
_RANKED: Final = ("lora", "adalora")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Three fields of a recipe."""

    learning_rate: float
    lora_r: int
    lora_alpha: float

    @property
    def settings(self) -> dict[str, str]:
        """As a person would type them."""
        return {"learning_rate": f"{self.learning_rate:g}", "lora_r": str(self.lora_r),
                "lora_alpha": f"{self.lora_alpha:g}"}  # fmt: skip

    def __str__(self) -> str:
        return f"rate {self.learning_rate:g}, rank {self.lora_r}, alpha {self.lora_alpha:g}"


def refuse(recipe: Recipe, trials: int, budget: int, where: str = "recipe") -> None:
    """Refuse a search that could not tell its trials apart.

    Raises:
        Problem: too few of them, too few steps, or no rows to measure on.
    """
    if trials < 2 or budget < trials:
        raise Problem("A search needs two trials, and a step for each of them.",
                      do="Raise --trials or --budget.")  # fmt: skip
    if not recipe.eval_entries and not recipe.eval_split:
        raise Problem("A search needs rows to measure on.", where=where,
                      why="eval_split is 0 and there is no eval_data; training loss favours large rates.",
                      do="Set eval_split: 0.05, or name eval_data.")  # fmt: skip


def candidates(recipe: Recipe, count: int) -> list[Candidate]:
    """The recipe's own values first, then those with one of them changed, the rate before all, then with two.

    Alpha goes with the rank, so that a rank alone changes nothing else; where the adapter is given, or has no
    rank, only the rate is varied.
    """
    fixed = recipe.adapter is not None or recipe.method not in _RANKED
    ranks, factors = ((1.0,), (1.0,)) if fixed else (_RANKS, _FACTORS)
    rates = _RATES if fixed else _RATES[:3]
    ways = sorted(
        itertools.product(rates, ranks, factors),
        key=lambda way: (sum(part != 1.0 for part in way), way[0] == 1.0),
    )
    found: dict[Candidate, None] = {}
    for rate, rank, factor in ways:
        size = recipe.lora_r if fixed else max(round(recipe.lora_r * rank), 1)
        alpha = recipe.lora_alpha if fixed else recipe.lora_alpha / recipe.lora_r * size * factor
        found[
            Candidate(
                learning_rate=min(float(f"{recipe.learning_rate * rate:.2g}"), 1.0),
                lora_r=size,
                lora_alpha=float(f"{alpha:.4g}"),
            )
        ] = None
    return list(found)[:count]


def rungs(count: int, budget: int) -> list[tuple[int, int]]:
    """How many candidates there are in each round, and how many steps each of them has done at its end."""
    sizes = [count]
    while sizes[-1] > ETA:
        sizes.append(math.ceil(sizes[-1] / ETA))
    weight = sum(
        size * (ETA**at - (ETA ** (at - 1) if at else 0)) for at, size in enumerate(sizes)
    )  # in first rounds
    first = max(budget // weight, LEAST)
    return [(size, first * ETA**at) for at, size in enumerate(sizes)]


def going_on(losses: Sequence[float | None], size: int) -> list[int]:
    """The indices of the `size` lowest losses, the earlier of two equal ones first; a None never goes on."""
    known = [at for at, loss in enumerate(losses) if loss is not None and math.isfinite(loss)]
    return sorted(sorted(known, key=lambda at: (losses[at], at))[:size])
