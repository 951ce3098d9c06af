"""How the rows of a step are shared by ranks and cut into micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def share(rows: Sequence[int], length: Callable[[int], int], rank: int, world: int) -> list[int]:
    """The rows of `rank`: every `world`-th by length, so that ranks have about equal work."""
    return sorted(rows, key=lambda row: (-length(row), row))[rank::world]


def cut(rows: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """`rows` in micro-batches of at most `budget` tokens with padding, the longest rows first.

    A row longer than the budget stands alone. How rows are cut changes neither loss nor gradient.
    """
    pieces: list[list[int]] = []
    for row in sorted(rows, key=lambda row: (-length(row), row)):
        if pieces and (len(pieces[-1]) + 1) * length(pieces[-1][0]) <= budget:
            pieces[-1].append(row)
        else:
            pieces.append([row])
    return pieces
