"""The order in which an epoch draws rows, computed as `torch.randperm` does, without torch."""

from __future__ import annotations

import random
from typing import Final

_STATES: Final = 624
_FACTOR: Final = 1812433253
_WORD: Final = 0xFFFFFFFF


def drawn_rows(rows: int, seed: int, begin: int, end: int) -> list[int]:
    """Places `begin` to `end` of the permutation of `rows` rows that torch's CPU generator draws from `seed`.

    torch shuffles from the front (Fisher and Yates), each draw a word of the Mersenne twister, so that the
    order behind `end` does not matter.
    """
    words = _twister(seed)
    moved: dict[int, int] = {}
    found = []
    for at in range(min(end, rows)):
        other = at + words.getrandbits(32) % (rows - at) if at < rows - 1 else at
        here, there = moved.pop(at, at), moved.get(other, other)
        if other != at:
            moved[other] = here
        if at >= begin:
            found.append(there if other != at else here)
    return found


def _twister(seed: int) -> random.Random:
    """Python's Mersenne twister in the state in which the reference code begins with `seed`."""
    state = [seed & _WORD]
    for at in range(1, _STATES):
        state.append((_FACTOR * (state[-1] ^ (state[-1] >> 30)) + at) & _WORD)
    twister = random.Random()
    twister.setstate((3, (*state, _STATES), None))
    return twister
