"""Finds rows of one set in another: equal, nearly the same, or copied by half."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.data.likeness.shingles import Hashes, Shingled, shingled
from engine.data.likeness.similar import Again, Similar

_WIDTH: Final = 13
"""Words in a row that two texts hardly share by chance (Brown et al. 2020, appendix C)."""
_COPIED: Final = 0.5
"""Share of a held-out row's 13-grams in one training row. PaLM took 0.7 of 8-grams."""
_MOST_GRAMS: Final = 8_000_000
"""N-grams of held-out rows that are looked for: 96 MB."""
_AT_ONCE: Final = 80_000
_OFTEN: Final = 0.01
"""Share of rows above which a question, or an n-gram, is their template and shows no leak."""
_FEW: Final = 10

How = Literal["equal", "near", "copied"]


class Leak(NamedTuple):
    """A held-out row that a training row gives away."""

    held: int
    row: int
    how: How


class Found(NamedTuple):
    """What came of it."""

    leaks: list[Leak]
    """One for each held-out row that leaks, in their order."""
    equal: list[int]
    """The training rows that give them away word for word, in their order."""
    near: list[int]
    """Those that do so nearly."""
    overlapping: int
    """Held-out rows of which a training row has any 13-gram."""
    left_out: int
    """Held-out rows whose 13-grams were too many to be looked for."""


class Leaks:
    """Is given all held-out rows (`hold`), then all training rows (`meet`), by ascending numbers."""

    def __init__(self) -> None:
        self._similar = Similar()
        self._kinds: dict[int, list[int]] = {}
        """The held-out rows by the hashes of their question, and of the whole."""
        self._met: dict[int, array[int]] = {}
        """The training rows of the same hashes."""
        self._held = 0
        self._rows = 0
        self._waiting: list[tuple[int, str]] = []
        self._characters = 0
        self._parts: list[tuple[Hashes, NDArray[np.uint32]]] = []
        self._grams = 0
        self._left_out = 0
        self._table: _Table | None = None
        self._copied: dict[int, int] = {}
        self._copies: set[int] = set()

    def hold(self, number: int, question: str, whole: str) -> None:
        """Held-out row `number`; an empty question is none."""
        self._held = number + 1
        for kind in _kinds(question, whole):
            self._kinds.setdefault(kind, []).append(number)
        self._similar.add(number, whole)
        self._wait(number, whole, self._keep)

    def meet(self, number: int, question: str, whole: str) -> None:
        """Training row `number`."""
        if self._table is None:
            self._flush(self._keep)
            self._table = _Table(self._parts, self._held)
            self._parts = []
        self._rows += 1
        for kind in _kinds(question, whole):
            if kind in self._kinds:
                self._met.setdefault(kind, array("Q")).append(number)
        self._similar.add(self._held + number, whole)
        self._wait(number, whole, self._look)

    def found(self, again: Again, held_again: Again) -> Generator[None, None, Found]:
        """What leaks; the two give texts once more, of training rows and of held-out ones."""
        if self._table is None:
            return Found([], [], [], 0, self._left_out)
        self._flush(self._look)
        leaks = {held: Leak(held, row, "copied") for held, row in self._copied.items()}
        near, same = set(self._copies), set[int]()

        def both(numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
            split = next((at for at, number in enumerate(numbers) if number >= self._held), len(numbers))
            yield from held_again(numbers[:split])
            later = again([number - self._held for number in numbers[split:]])
            yield from ((number + self._held, text) for number, text in later)

        clusters = yield from self._similar.clusters(both)
        numbers = np.frombuffer(self._similar.numbers, np.uint64)
        for held_rows, rows in _mixed(clusters, numbers, self._held):
            near.update(rows)
            leaks.update({held: Leak(held, rows[0], "near") for held in held_rows})
        for kind, equal in self._met.items():
            # A question that very many rows ask is what they are all about.
            if kind & 1 or len(equal) <= max(_FEW, _OFTEN * self._rows):
                same.update(equal)
                leaks.update({held: Leak(held, equal[0], "equal") for held in self._kinds[kind]})
        told = [leaks[held] for held in sorted(leaks)]
        return Found(told, sorted(same), sorted(near - same), self._table.met(), self._left_out)

    def _wait(self, number: int, text: str, then: Callable[[list[int], Shingled], None]) -> None:
        self._waiting.append((number, text))
        self._characters += len(text)
        if self._characters >= _AT_ONCE:
            self._flush(then)

    def _flush(self, then: Callable[[list[int], Shingled], None]) -> None:
        if self._waiting:
            numbers, texts = zip(*self._waiting, strict=True)
            then(list(numbers), shingled(texts, _WIDTH))
        self._waiting, self._characters = [], 0

    def _keep(self, numbers: list[int], made: Shingled) -> None:
        if self._grams > _MOST_GRAMS:
            self._left_out += len(numbers)
            return
        self._grams += len(made.hashes)
        self._parts.append((made.hashes, np.repeat(np.array(numbers, np.uint32), np.diff(made.offsets))))

    def _look(self, numbers: list[int], made: Shingled) -> None:
        assert self._table is not None
        for at, held in self._table.copied(made):
            self._copied.setdefault(held, numbers[at])
            self._copies.add(numbers[at])


class _Table:
    """The n-grams of held-out rows, and whose they are; what many of them share is left out."""

    def __init__(self, parts: list[tuple[Hashes, NDArray[np.uint32]]], held: int) -> None:
        hashes = np.concatenate([np.zeros(0, np.uint64), *(part for part, _ in parts)])
        owners = np.concatenate([np.zeros(0, np.uint32), *(part for _, part in parts)])
        self._hashes, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        rare = counts <= max(_FEW, _OFTEN * held)
        self._hashes, self._owners = self._hashes[rare], owners[first[rare]].astype(np.int64)
        self._sizes = np.bincount(self._owners, minlength=held)
        self._seen = np.zeros(held, bool)

    def copied(self, made: Shingled) -> Iterator[tuple[int, int]]:
        """The texts that hold half of a held-out row's n-grams, each with that row."""
        if not len(self._hashes):
            return
        at = np.minimum(np.searchsorted(self._hashes, made.hashes), len(self._hashes) - 1)
        hits = self._hashes[at] == made.hashes
        if not hits.any():
            return
        texts = np.repeat(np.arange(len(made.offsets) - 1), np.diff(made.offsets))[hits]
        # One that a text holds twice counts once.
        texts, grams = np.divmod(np.unique(texts * len(self._hashes) + at[hits]), len(self._hashes))
        owners = self._owners[grams]
        self._seen[owners] = True
        pairs, counts = np.unique(texts * len(self._sizes) + owners, return_counts=True)
        enough = counts >= _COPIED * self._sizes[pairs % len(self._sizes)]
        for pair in pairs[enough].tolist():
            yield pair // len(self._sizes), pair % len(self._sizes)

    def met(self) -> int:
        """Held-out rows of which any n-gram was met."""
        return int(self._seen.sum())


def _kinds(question: str, whole: str) -> list[int]:
    """What makes two rows equal, space at the ends aside: odd for the whole, even for its question."""
    texts = question.strip(), whole.strip()
    return [hash(text) << 1 | odd for odd, text in enumerate(texts) if text]


def _mixed(
    clusters: NDArray[np.int64], numbers: NDArray[np.uint64], held: int
) -> Iterator[tuple[list[int], list[int]]]:
    """The held-out rows and the training rows of each cluster that has both."""
    order = np.argsort(clusters, kind="stable")
    order = order[np.searchsorted(clusters[order], 0) :]
    if not len(order):
        return
    breaks = np.flatnonzero(np.diff(clusters[order])) + 1
    begins, ends = np.append(0, breaks), np.append(breaks, len(order))
    of_held = numbers[order] < held
    # A cluster's numbers ascend: one that has both begins with a held-out row and ends with another.
    for begin, end in zip(begins, ends, strict=True):
        if of_held[begin] and not of_held[end - 1]:
            members = numbers[order[begin:end]].tolist()
            yield [n for n in members if n < held], [n - held for n in members if n >= held]
