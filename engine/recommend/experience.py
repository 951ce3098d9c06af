"""What the user's own runs say: settings that ended with a lower held-out loss on rows like these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.lessons.alike import similar
from engine.lessons.lesson import Lesson
from engine.recommend.failures import Past
from engine.recommend.outcomes import outcomes, own_group
from engine.recommend.settings import prior
from engine.recommend.situation import Situation
from engine.recommend.surrogate import Surrogate
from engine.recommend.sweep import Search, point_at
from engine.recommend.telling import tell
from engine.recommend.values import Plan

_MOST: Final = 120
"""Runs that are compared: the cost grows with their cube."""
_FEWEST: Final = 3
_LEAST_LIKE: Final = 0.4


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
    centre = point_at(situation, plan.recipe)
    if len(seen) < _FEWEST or centre is None:
        return Gain(0, 0.0)
    search = Search(situation, plan, Surrogate(seen, prior(centre), own_group(situation, near)), past)
    best = search.best()
    tell(plan, search, best, {one.lesson.run: one.lesson for one in near})
    return Gain(len(seen), max(search.mean(search.first) - search.mean(best), 0.0))
