"""How the rows of a step are shared by ranks and cut into micro-batches.

How rows are cut changes neither loss nor gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


def share(rows: Sequence[int], length: Callable[[int], int], rank: int, world: int) -> list[int]:
    """The rows of `rank`: every `world`-th by length, so that ranks have about equal work."""
    return _longest_first(rows, length)[rank::world]


def padded(rows: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """`rows` in micro-batches of at most `budget` tokens with padding, the longest rows first.

    A row longer than the budget stands alone.
    """
    pieces: list[list[int]] = []
    for row in _longest_first(rows, length):
        if pieces and (len(pieces[-1]) + 1) * length(pieces[-1][0]) <= budget:
            pieces[-1].append(row)
        else:
            pieces.append([row])
    return pieces


def packed(rows: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """`rows` in as few micro-batches of at most `budget` tokens as there can be, of about equal size.

    A row longer than the budget stands alone. Each row goes to the emptiest piece, the longest first.
    """
    ordered = _longest_first(rows, length)
    beyond = [row for row in ordered if length(row) >= budget]
    rest = ordered[len(beyond) :]
    pieces = math.ceil(sum(map(length, rest)) / budget)
    while True:
        cut, sizes = _spread(rest, length, pieces)
        if max(sizes, default=0) <= budget:
            return [*([row] for row in beyond), *cut]
        pieces += 1


def _spread(
    rows: Sequence[int], length: Callable[[int], int], pieces: int
) -> tuple[list[list[int]], list[int]]:
    cut: list[list[int]] = [[] for _ in range(pieces)]
    sizes = [0] * pieces
    for row in rows:
        emptiest = sizes.index(min(sizes))
        cut[emptiest].append(row)
        sizes[emptiest] += length(row)
    return cut, sizes


def _longest_first(rows: Sequence[int], length: Callable[[int], int]) -> list[int]:
    return sorted(rows, key=lambda row: (-length(row), row))
