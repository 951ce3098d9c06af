"""How much memory a run may take, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from engine.doctor import cgroup
from engine.leases.asked import asked
from engine.leases.cards import offered
from engine.messages import Gpu
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.text import amount, one_line

_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.I)
_POWERS: Final = {"K": 1, "M": 2, "G": 3, "T": 4}
_BARE: Final = 1024
"""From here on a number without a unit is no number of GiB."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Memory that there is."""

    bytes: int
    name: str
    """Of the card, or what has the memory."""
    cuda: bool

    def __str__(self) -> str:
        return f"{amount(self.bytes)} of {self.name}"


def given(words: str) -> Limit:
    """A card with the memory that a person names: `12GiB`, `12GB`, `24000MiB`; a bare number is GiB.

    Raises:
        Problem: no amount of memory.
    """
    match = _AMOUNT.fullmatch(words.strip())
    number = float(match[1]) if match else 0.0
    if match is not None and not match[2]:
        match = _AMOUNT.fullmatch(f"{match[1]}GiB") if number < _BARE and match[3] == "" else None
    if match is None or number <= 0:
        raise Problem(
            f"{one_line(words, 40)!r} is no amount of memory.",
            where="--gpu-memory",
            do="Write it with a unit: 12GiB, 12GB or 24000MiB.",
        )
    base = 1024 if match[3] or not words.strip().lower().endswith("b") else 1000
    size = int(number * base ** _POWERS[match[2].upper()])
    return Limit(bytes=size, name="the card", cuda=True)


def there(recipe: Recipe, cards: list[Gpu], env: Mapping[str, str]) -> Limit:
    """What the device has that the engine would lease to the recipe's run.

    Raises:
        Problem: the recipe names a card that is not there.
    """
    found = offered(asked(recipe.devices), env, cards)
    if not found:
        return Limit(bytes=of_machine(), name="this machine", cuda=False)
    return Limit(bytes=found[0].total, name=found[0].name, cuda=True)


def of_machine() -> int:
    """Bytes of memory that this process may use in all, swap aside."""
    import psutil

    limit = cgroup.memory()
    total = int(psutil.virtual_memory().total)
    return min(total, limit[0]) if limit is not None else total
