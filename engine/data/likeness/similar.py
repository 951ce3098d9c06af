"""Finds texts that are nearly the same, in bounded memory: hashes first, and the texts where those agree.

A text is the set of its word 5-grams (Broder 1997). Three steps, each for those that the one before has left:
six least hashes (a pair of similarity 0.8 is lost once in 15,000), MinHash in 14 bands of 8 (once in 13, as
datatrove has it), and the sets themselves, whose Jaccard similarity has to be 0.8.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.data.likeness.shingles import Hashes, shingled
from engine.inspection.report import COMPARED

SIMILAR: Final = 0.8
WIDTH: Final = 5
_LEAST: Final = 6
_BANDS, _IN_BAND = 14, 8
_AT_ONCE: Final = 80_000
"""Characters hashed in one go: its arrays fit into a core's cache."""
_ROWS: Final = 4096
_KEPT: Final = 8_000_000
"""Hashes of texts that are compared in full, all of them together: 64 MB."""
_PAUSE: Final = 512
_SAMPLE: Final = 256
_FEWEST: Final = 64
"""Fewer texts than these have no template: what most of them share may be all that they say."""
_CROWD: Final = 32
"""Texts that agree in a band and are all compared with one another; of more, each with so many."""

Again = Callable[[Sequence[int]], Iterator[tuple[int, str]]]
"""Gives the texts of some numbers (ascending) once more, with their numbers."""
T = TypeVar("T")
Indices = NDArray[np.int64]


class Similar:
    """Is given texts by ascending numbers, and then says which belong together.

    Two do where a chain of similar texts links them, so that the order in which they come is of no matter.
    What more than half of all texts hold is taken for their template, and not compared.
    """

    def __init__(self) -> None:
        self.numbers = array("Q")
        """Those of the texts, as far as they are compared."""
        self._wholes: list[Hashes] = []
        self._leasts: list[NDArray[np.uint32]] = []
        self._waiting: list[str] = []
        self._characters = 0

    def add(self, number: int, text: str) -> None:
        """One more text."""
        if len(self.numbers) >= COMPARED:
            return
        self.numbers.append(number)
        self._waiting.append(text)
        self._characters += len(text)
        if self._characters >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            made = shingled(self._waiting, WIDTH)
            self._wholes.append(made.texts)
            self._leasts.append(_least(made.hashes, made.offsets))
        self._waiting, self._characters = [], 0

    def clusters(self, again: Again) -> Generator[None, None, Indices]:
        """Find out in small pieces, and return for each text its cluster, -1 for texts without a word."""
        self._flush()
        if not len(self.numbers):
            return np.zeros(0, np.int64)
        wholes, firsts, cluster = np.unique(
            np.concatenate(self._wholes), return_index=True, return_inverse=True
        )
        least = np.concatenate(self._leasts)[firsts]
        alike = np.flatnonzero(_shared(least) & (wholes != 0))
        together = _Together(len(wholes))
        if len(alike):
            yield from self._compare(alike, firsts, again, together)
        found = together.roots()[cluster]
        found[wholes[cluster] == 0] = -1
        return found

    def beyond_first(self, again: Again) -> set[int]:
        """The numbers of the texts that are not the first of their cluster."""
        rest = self.clusters(again)
        while True:
            try:
                next(rest)
            except StopIteration as done:
                clusters: Indices = done.value
                break
        some = np.flatnonzero(clusters >= 0)
        _, firsts = np.unique(clusters[some], return_index=True)
        return set(np.frombuffer(self.numbers, np.uint64)[np.delete(some, firsts)].tolist())

    def _compare(self, alike: Indices, firsts: Indices, again: Again, together: _Together) -> Iterator[None]:
        """Join those of the different texts `alike` that are similar."""
        sample = firsts[:_SAMPLE] if len(firsts) >= _FEWEST else firsts[:0]
        common = _common([made for _, made in self._sets(sample, again, _NONE)])
        yield None
        places = {int(first): int(place) for place, first in zip(alike, firsts[alike], strict=True)}
        kept: dict[int, Hashes] = {}
        room = _KEPT
        for at, made in self._sets(firsts[alike], again, common):
            if 0 < len(made) <= room:
                kept[places[at]] = made
                room -= len(made)
            if len(kept) % _PAUSE == 0:
                yield None
        yield from _join({place: kept[place] for place in sorted(kept)}, together)

    def _sets(self, texts: Indices, again: Again, common: Hashes) -> Iterator[tuple[int, Hashes]]:
        """The set of each of these texts, without what is `common`, in the order of their numbers."""
        wanted = set(texts.tolist())
        numbers = np.unique(np.frombuffer(self.numbers, np.uint64)[texts]).tolist()
        waiting: dict[int, str] = {}
        characters, last, at = 0, -1, 0
        for number, text in again(numbers):
            # Several texts may have one number: they come in the order in which they were added.
            at = at + 1 if number == last else bisect_left(self.numbers, number)
            last = number
            if at not in wanted:
                continue
            waiting[at] = text
            characters += len(text)
            if characters >= _AT_ONCE:
                yield from _apart(waiting, common)
                waiting, characters = {}, 0
        yield from _apart(waiting, common)


_NONE: Final = np.zeros(0, np.uint64)


class _Together:
    """Which of some things are linked."""

    def __init__(self, count: int) -> None:
        self._parents = np.arange(count)

    def root(self, at: int) -> int:
        """What stands for all that `at` is linked with."""
        parents = self._parents
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = int(parents[at])
        return at

    def join(self, one: int, other: int) -> None:
        """Link two."""
        self._parents[self.root(one)] = self.root(other)

    def roots(self) -> Indices:
        """For each what stands for it."""
        parents = self._parents
        while not np.array_equal(above := parents[parents], parents):
            parents = above
        return parents


def jaccard(one: Hashes, other: Hashes) -> float:
    """What two sets share of all that they hold, 0 to 1."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared or 1)


def _apart(texts: dict[int, str], common: Hashes) -> Iterator[tuple[int, Hashes]]:
    """Each text as a set, by its key."""
    made = shingled(list(texts.values()), WIDTH)
    kept = ~np.isin(made.hashes, common) if len(common) else np.ones(len(made.hashes), bool)
    for place, key in enumerate(texts):
        part = slice(made.offsets[place], made.offsets[place + 1])
        yield key, np.unique(made.hashes[part][kept[part]])


def _least(hashes: Hashes, offsets: Indices) -> NDArray[np.uint32]:
    """The least of six hashes of each text's n-grams; those of a text without any are all the same."""
    found = np.zeros((len(offsets) - 1, _LEAST), np.uint32)
    some = np.diff(offsets) > 0
    if some.any():
        for place, factor in enumerate(_factors(_LEAST)):
            high = ((hashes * factor) >> np.uint64(32)).astype(np.uint32)
            found[some, place] = np.minimum.reduceat(high, offsets[:-1][some])
    return found


def _least_of(sets: list[Hashes]) -> NDArray[np.uint32]:
    return _least(np.concatenate(sets), np.cumsum([0, *map(len, sets)]))


def _shared(least: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which rows have a value that another row has at the same place."""
    found = np.zeros(len(least), bool)
    for column in least.T:
        order = np.argsort(column)
        same = np.diff(column[order]) == 0
        found[order[1:][same]] = found[order[:-1][same]] = True
    return found


def _common(sets: list[Hashes]) -> Hashes:
    """What more than half of some texts hold."""
    if not sets:
        return _NONE
    values, counts = np.unique(np.concatenate(sets), return_counts=True)
    found: Hashes = values[counts > len(sets) / 2]
    return found


def _join(sets: dict[int, Hashes], together: _Together) -> Iterator[None]:
    """Link those of the sets that are similar."""
    names = list(sets)
    least = []
    for part in batched(sets.values(), _ROWS):
        least.append(_least_of(part))
        yield None
    some = np.flatnonzero(_shared(np.concatenate(least))) if least else ()
    if not len(some):
        return
    chosen = [names[at] for at in some]
    made = []
    for few in batched(chosen, _ROWS):
        made.append(_bands([sets[name] for name in few]))
        yield None
    bands = np.concatenate(made)
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        same = np.diff(band[order], prepend=band[order[:1]], append=band[order[-1:]]) == 0
        same[0] = same[-1] = False
        edges = np.flatnonzero(np.diff(same))
        for begin, end in edges.reshape(-1, 2):
            _link([chosen[at] for at in order[begin : end + 1]], sets, together)
        yield None


def _bands(sets: list[Hashes]) -> Hashes:
    """For each set the hashes of its bands."""
    from rensa import RMinHash

    offsets = np.cumsum([0, *map(len, sets)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        np.concatenate(sets), offsets, _BANDS * _IN_BAND, 42
    )
    digests = np.array(matrix.to_rows(), np.uint64).reshape(len(sets), _BANDS, _IN_BAND)
    found: Hashes = (digests * _factors(_IN_BAND)).sum(axis=2)
    return found


def _link(run: list[int], sets: dict[int, Hashes], together: _Together) -> None:
    """Link those of a run that are similar; of a crowd, each is compared with some that differ."""
    if len(run) <= _CROWD:
        for one, other in combinations(run, 2):
            if together.root(one) != together.root(other) and jaccard(sets[one], sets[other]) >= SIMILAR:
                together.join(one, other)
        return
    different: list[int] = []
    for one in run:
        roots = {together.root(other) for other in different}
        if together.root(one) in roots:
            continue
        like = next((other for other in different if jaccard(sets[one], sets[other]) >= SIMILAR), None)
        if like is not None:
            together.join(one, like)
        elif len(different) < _CROWD:
            different.append(one)


def batched(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """The things in lists of `size`, the last one shorter."""
    rest = iter(things)
    while part := list(islice(rest, size)):
        yield part


def _factors(count: int) -> Hashes:
    """Odd multipliers of 64 bits."""
    found: Hashes = np.random.Generator(np.random.PCG64(7)).integers(0, 1 << 64, count, np.uint64)
    return found | np.uint64(1)
