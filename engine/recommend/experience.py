"""What the user's own runs say: settings that ended with a lower held-out loss on rows like these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from engine.lessons.alike import Similar, similar
from engine.lessons.lesson import Lesson
from engine.recipe.edit import written
from engine.recipe.recipe import Recipe
from engine.recommend.failures import Past
from engine.recommend.outcomes import outcomes, own_group
from engine.recommend.published import rows_a_step, two_digits
from engine.recommend.settings import point_of, prior
from engine.recommend.situation import Situation
from engine.recommend.surrogate import Point, Seen, Surrogate
from engine.recommend.values import Plan, Value

_MOST: Final = 120
"""Runs that are compared: the cost grows with their cube."""
_FEWEST: Final = 3
_LEAST_LIKE: Final = 0.4
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


class Gain(NamedTuple):
    """What experience came to."""

    runs: int
    share: float
    """By how much more the held-out loss is expected to fall than with the first guess, as a share."""


def learn(situation: Situation, plan: Plan, lessons: Sequence[Lesson], past: Past) -> Gain:
    """Change the plan where past runs speak for it."""
    mark = situation.fingerprint()
    near = similar(mark, lessons, least=_LEAST_LIKE, most=_MOST)
    seen = outcomes(near, situation)
    centre = _point(situation, plan.recipe)
    if len(seen) < _FEWEST or centre is None:
        return Gain(0, 0.0)
    search = _Search(situation, plan, Surrogate(seen, prior(centre), own_group(situation, near)), past)
    best = search.best()
    _tell(plan, best, search, _Evidence(seen, near))
    return Gain(len(seen), max(search.mean(search.first) - search.mean(best), 0.0))


class _Search:
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
        point = _point(self._situation, recipe)
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
        a, b = _point(self._situation, one), _point(self._situation, other)
        return math.inf if a is None or b is None else self._surrogate.doubt(a, b)

    def known(self, one: Recipe, other: Recipe) -> float:
        """How much of the difference of two recipes is known, 0 to 1."""
        a, b = _point(self._situation, one), _point(self._situation, other)
        return 0.0 if a is None or b is None else self._surrogate.known(a, b)

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


def _point(situation: Situation, recipe: Recipe) -> Point | None:
    fields: dict[str, Any] = msgspec.structs.asdict(recipe)
    return point_of(fields, situation.model, situation.steps(recipe))


class _Evidence(NamedTuple):
    """What the words about a value are made of."""

    seen: list[Seen]
    near: Sequence[Similar]

    def best(self) -> list[Lesson]:
        """The best run of each dataset where several were compared, the most alike first."""
        lessons = {one.lesson.run: one.lesson for one in self.near}
        groups: dict[str, list[Seen]] = {}
        for one in self.seen:
            groups.setdefault(one.group, []).append(one)
        tops = [min(group, key=lambda one: one.missed) for group in groups.values() if len(group) > 1]
        tops.sort(key=lambda one: one.likeness, reverse=True)
        return [lessons[one.run] for one in tops]


def _tell(plan: Plan, best: Recipe, search: _Search, evidence: _Evidence) -> None:
    """Put what has changed, and say of what has not that runs agree."""
    first, tops = search.first, evidence.best()
    for name in ("learning_rate", "lora_r", "lr_scheduler_type", "target_modules", "num_train_epochs"):
        _tell_one(plan, name, best, search, tops, len(evidence.seen))
    if best.batch_rows != first.batch_rows:
        lower = _lower(search, best, with_rows(best, first.batch_rows))
        reason = (
            f"{best.batch_rows} rows a step: {lower} than {first.batch_rows}, by {len(evidence.seen)} runs "
            f"like this.{_shown(tops, 'rows')}"
        )
        sure = _sure(search.known(best, with_rows(best, first.batch_rows)))
        runs = [lesson.run for lesson in tops[:_NAMED]]
        plan.put(*rows_a_step(best.batch_rows, reason, "your runs", sure, runs=runs))


def _tell_one(
    plan: Plan, name: str, best: Recipe, search: _Search, tops: Sequence[Lesson], count: int
) -> None:
    value, before = getattr(best, name), getattr(search.first, name)
    if value == before:
        if name != "learning_rate" or name not in plan.values:
            return
        sure = search.known(best, replace(best, learning_rate=best.learning_rate * 3))
        held = plan.values[name]
        plan.put(
            replace(
                held,
                reason=f"{held.reason} {count} runs like this speak for no other.",
                confidence=max(held.confidence, _sure(sure)),
                runs=[lesson.run for lesson in tops[:_NAMED]],
            )
        )
        return
    back = replace(best, **{name: before})
    cites = plan.values[name].cites if name in plan.values else []
    plan.put(
        Value(
            field=name, value=value, source="your runs", confidence=_sure(search.known(best, back)),
            cites=cites, runs=[lesson.run for lesson in tops[:_NAMED]],
            reason=f"{_lower(search, best, back)} than with {_word(before)}, by {count} runs like this."
            f"{_shown(tops, name)}",
        )
    )  # fmt: skip


def _lower(search: _Search, best: Recipe, other: Recipe) -> str:
    share = search.mean(other) - search.mean(best)
    if share < 0.005:
        return "The held-out loss is expected to fall as far, in less time,"
    return f"The held-out loss is expected to fall about {share:.0%} further"


def _shown(tops: Sequence[Lesson], name: str) -> str:
    """What the best runs had there."""
    told = []
    for lesson in tops[:_NAMED]:
        recipe = lesson.recipe
        if name == "rows":
            value = recipe["per_device_train_batch_size"] * recipe["gradient_accumulation_steps"]
        else:
            value = recipe.get(name)
        told.append(f"{_word(value)} (run {lesson.run})")
    return f" Best on their data: {', '.join(told)}." if told else ""


def _word(value: object) -> str:
    return written(two_digits(value)) if isinstance(value, float) and value < 1 else written(value)


def _sure(known: float) -> float:
    return round(min(0.4 + 0.55 * known, 0.95), 2)
