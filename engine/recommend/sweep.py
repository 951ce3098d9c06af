"""The settings that past runs speak for: looked for one field after another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from engine.recipe.recipe import Recipe
from engine.recommend.failures import Past
from engine.recommend.published import two_digits
from engine.recommend.settings import point_of
from engine.recommend.situation import Situation
from engine.recommend.surrogate import Point, Seen, Surrogate
from engine.recommend.values import Plan

_WORTH: Final = 0.005
_DOUBT: Final = 0.5
"""Another setting has to be better by so much of the possible gain, and by half of what it may be off: what
is published is left for a reason alone."""
_RATES: Final = (0.1, 0.2, 0.33, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0)
_HIGHEST_RATE: Final = 0.05
_ROWS: Final = (4, 8, 16, 32)
_RANKS: Final = (8, 16, 32, 64, 128)
_EPOCHS: Final = (0.5, 1.0, 2.0)
_PRICES: Final = {"rows": 0.005, "lora_r": 0.005, "num_train_epochs": 0.03}
"""What half the rows, twice the rank and twice the epochs have to gain to be worth their time."""
_SWEEPS: Final = 4
_NAMED: Final = 4


class Search:
    """Looks for the settings that are expected to miss least, one field after another."""

    def __init__(self, situation: Situation, plan: Plan, surrogate: Surrogate, past: Past) -> None:
        self.first = plan.recipe
        self._situation, self._plan, self._surrogate, self._past = situation, plan, surrogate, past

    def best(self) -> Recipe:
        """The settings to take."""
        best = self.first
        for _ in range(_SWEEPS):
            before = best
            for options in self._fields(best):
                top, price = min(
                    ((one, self._bound(one, best)) for one in options), key=_second, default=(best, 0)
                )
                if price < self.price(best) - _WORTH:
                    best = top
            if best == before:
                break
        return best

    def mean(self, recipe: Recipe) -> float:
        """What is expected to be missed."""
        point = point_at(self._situation, recipe)
        return math.inf if point is None else self._surrogate.mean(point)

    def price(self, recipe: Recipe) -> float:
        """What is expected to be missed, and what the time is worth."""
        doublings = {
            "rows": -math.log2(recipe.batch_rows),
            "lora_r": math.log2(recipe.lora_r),
            "num_train_epochs": math.log2(recipe.num_train_epochs),
        }
        return self.mean(recipe) + sum(_PRICES[name] * count for name, count in doublings.items())

    def _bound(self, recipe: Recipe, instead: Recipe) -> float:
        """Its price, and more the less is known of how it compares with what it would replace."""
        return self.price(recipe) + _DOUBT * self._doubt(recipe, instead)

    def _doubt(self, one: Recipe, other: Recipe) -> float:
        """The standard deviation of the difference of two recipes."""
        a, b = point_at(self._situation, one), point_at(self._situation, other)
        return math.inf if a is None or b is None else self._surrogate.doubt(a, b)

    def known(self, one: Recipe, other: Recipe) -> float:
        """How much of the difference of two recipes is known, 0 to 1."""
        a, b = point_at(self._situation, one), point_at(self._situation, other)
        return 0.0 if a is None or b is None else self._surrogate.known(a, b)

    def voices(self, one: Recipe, other: Recipe) -> list[Seen]:
        """The runs that speak most for one recipe against another, the loudest first."""
        a, b = point_at(self._situation, one), point_at(self._situation, other)
        return [] if a is None or b is None else self._surrogate.voices(a, b)

    @property
    def runs(self) -> int:
        """How many runs were compared."""
        return self._surrogate.runs

    def _fields(self, recipe: Recipe) -> Iterator[list[Recipe]]:
        free = self._plan.free
        if free("learning_rate"):
            rates = [two_digits(self.first.learning_rate * times) for times in _RATES]
            options = [replace(recipe, learning_rate=rate) for rate in rates if rate <= _HIGHEST_RATE]
            yield [option for option in options if not self._past.fails(option)]
        if free("per_device_train_batch_size", "gradient_accumulation_steps"):
            rows = self._situation.trained(recipe) or _ROWS[-1]
            yield [with_rows(recipe, size) for size in _ROWS if size <= max(rows // 5, _ROWS[0])]
        if free("lora_r", "lora_alpha", "use_rslora") and not recipe.use_rslora:
            width = max(self._situation.model.hidden // 2, _RANKS[0])
            yield [replace(recipe, lora_r=rank) for rank in _RANKS if rank <= width]
        if free("lr_scheduler_type"):
            yield [replace(recipe, lr_scheduler_type=name) for name in ("cosine", "linear", "constant")]
        if free("target_modules"):
            yield [replace(recipe, target_modules=name) for name in ("all-linear", "attention")]
        if free("num_train_epochs", "max_steps"):
            epochs = self.first.num_train_epochs
            yield [replace(recipe, num_train_epochs=max(epochs * times, 1.0)) for times in _EPOCHS]


def _second(pair: tuple[Recipe, float]) -> float:
    return pair[1]


def with_rows(recipe: Recipe, size: int) -> Recipe:
    """The recipe with `size` rows a step, all at a time."""
    return replace(recipe, per_device_train_batch_size=size, gradient_accumulation_steps=1)


def point_at(situation: Situation, recipe: Recipe) -> Point | None:
    """Where the recipe stands among the settings that are compared."""
    fields: dict[str, Any] = msgspec.structs.asdict(recipe)
    return point_of(fields, situation.model, situation.steps(recipe))
