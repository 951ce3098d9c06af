"""What past runs took of memory against what the formula predicted of them."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Final

import msgspec

from engine.memory.formula import CONTEXT
from engine.memory.limit import Limit
from engine.messages import RunRow
from engine.recipe.recipe import Recipe

_FEWEST: Final = 3
"""Runs below which one odd one decides."""
_LAST: Final = 10
_BOUNDS: Final = (0.8, 1.5)
"""A factor beyond these tells of runs that did not do what was priced."""
_SMALLEST: Final = 256 << 20
"""Bytes of a run on the CPU below which what Python keeps outweighs what is predicted."""


class Experience(msgspec.Struct, frozen=True, kw_only=True):
    """What the last runs of a kind took."""

    factor: float
    """Their peaks over the formula's, the median."""
    runs: int
    same_model: bool
    """False where they had other models, each with an error of its own of the formula."""
    basis: float = 1.0
    """The formula's figure over the one that is corrected."""

    def expected(self, peak: int, limit: Limit) -> int:
        """Bytes where `peak` is predicted; what the driver takes of a card stays as it is."""
        fixed = _fixed(limit)
        return fixed + int(self.factor * self.basis * (peak - fixed))

    def room(self, limit: Limit) -> int:
        """The most that may be predicted, for what is expected to fit."""
        fixed = _fixed(limit)
        return fixed + int((limit.bytes - fixed) / (self.factor * self.basis))

    def for_exact(self, formula: int, exact: int, limit: Limit) -> Experience | None:
        """The same for exact figures, which know nothing of the formula's errors with other models."""
        fixed = _fixed(limit)
        if not self.same_model or exact <= fixed:
            return None
        return msgspec.structs.replace(self, basis=(formula - fixed) / (exact - fixed))


def experience(rows: Iterable[RunRow], recipe: Recipe, limit: Limit) -> Experience | None:
    """That of the newest runs on the kind of device, with the recipe's model or else with any.

    Bases in 4 or 8 bits are another kind. None where there are too few.
    """
    alike = [row for row in rows if _counts(row, recipe, limit)]
    alike.sort(key=lambda row: row.created, reverse=True)
    same = [row for row in alike if row.model == recipe.model]
    found = (same if len(same) >= _FEWEST else alike)[:_LAST]
    if len(found) < _FEWEST:
        return None
    low, high = _BOUNDS
    factor = median(row.peak_memory / row.predicted_memory for row in found)
    return Experience(factor=min(max(factor, low), high), runs=len(found), same_model=len(same) >= _FEWEST)


def _counts(row: RunRow, recipe: Recipe, limit: Limit) -> bool:
    if row.status != "succeeded" or not row.peak_memory or not row.predicted_memory:
        return False
    if row.base.partition(",")[0] != _held_in(recipe):
        return False
    if limit.cuda:
        return row.device == limit.name
    return row.device == "cpu" and row.predicted_memory >= _SMALLEST


def _held_in(recipe: Recipe) -> str:
    """As a run tells how it holds its base, without the details."""
    if recipe.load_in_4bit:
        return recipe.bnb_4bit_quant_type
    return "int8" if recipe.load_in_8bit else ""


def _fixed(limit: Limit) -> int:
    """Bytes of a prediction that no run can measure."""
    return CONTEXT if limit.cuda else 0
