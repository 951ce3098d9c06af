"""Which rows repeat another: of equal values, or of a cluster."""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.data.checks.check import MOST_NUMBERED

_SHOWN: Final = 5
Indices = NDArray[np.int64]


class Repeats(NamedTuple):
    """Rows that are one too many."""

    total: int = 0
    rows: list[int] = []  # noqa: RUF012
    """The numbers of the first of them, ascending."""
    pairs: list[tuple[int, int]] = []  # noqa: RUF012
    """Some of them, each with the first row of its kind."""


def repeated(kinds: array[int], numbers: array[int]) -> Repeats:
    """Rows beyond the first of each kind; `numbers` (ascending) are those of the rows."""
    return _beyond_first(np.frombuffer(kinds, np.int64), np.frombuffer(numbers, np.uint64))


def nearly(clusters: Indices, numbers: array[int], kinds: array[int], kind_numbers: array[int]) -> Repeats:
    """Rows beyond the first of each cluster whose kind is not that of a row before.

    Args:
        clusters: for each of `numbers` (ascending) its cluster, -1 for none.
        numbers: those of the rows that were compared.
        kinds: of all rows, equal where their values are.
        kind_numbers: those of all rows, ascending.
    """
    rows = np.frombuffer(numbers, np.uint64)
    kind = np.frombuffer(kinds, np.int64)[np.searchsorted(np.frombuffer(kind_numbers, np.uint64), rows)]
    _, firsts = np.unique(kind, return_index=True)
    firsts.sort()
    firsts = firsts[clusters[firsts] >= 0]
    return _beyond_first(clusters[firsts], rows[firsts])


def answered_otherwise(prompts: array[int], answers: array[int], numbers: array[int], most: int) -> Repeats:
    """Rows of prompts that at most `most` rows have, with different answers; pairs are two of one prompt."""
    prompt, answer = np.frombuffer(prompts, np.int64), np.frombuffer(answers, np.int64)
    rows = np.frombuffer(numbers, np.uint64)
    order = np.argsort(prompt, kind="stable")
    begins = np.flatnonzero(np.diff(prompt[order], prepend=prompt[order[:1]] - 1))
    sizes = np.diff(begins, append=len(order))
    ordered = answer[order]
    chosen = np.minimum.reduceat(ordered, begins) != np.maximum.reduceat(ordered, begins)
    chosen &= sizes <= most
    if not chosen.any():
        return Repeats()
    found = rows[order[np.repeat(chosen, sizes)]]
    # A stable order leaves the first row of a prompt at the begin of its run.
    first = np.argsort(order[begins[chosen]])[:_SHOWN]
    runs = [
        order[at : at + size] for at, size in zip(begins[chosen][first], sizes[chosen][first], strict=True)
    ]
    others = [run[np.flatnonzero(answer[run] != answer[run[0]])[0]] for run in runs]
    pairs = [(int(rows[run[0]]), int(rows[other])) for run, other in zip(runs, others, strict=True)]
    return Repeats(len(found), np.sort(found)[:MOST_NUMBERED].tolist(), pairs)


def _beyond_first(kinds: Indices, numbers: NDArray[np.uint64]) -> Repeats:
    order = np.argsort(kinds, kind="stable")
    ordered = kinds[order]
    new = np.diff(ordered, prepend=ordered[:1] - 1) != 0
    beyond = np.flatnonzero(~new)
    if not len(beyond):
        return Repeats()
    first = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    total, beyond = len(beyond), beyond[np.argsort(order[beyond])][:MOST_NUMBERED]
    rows = numbers[order[beyond]].tolist()
    return Repeats(total, rows, list(zip(rows, numbers[first[beyond[:_SHOWN]]].tolist(), strict=False)))
