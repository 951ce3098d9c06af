"""Texts as sets of hashed word n-grams, many texts at once: two are alike where the sets overlap."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
LONGEST: Final = 1 << 20
"""Characters of a text that are looked at: what is alike so far is alike enough."""
_SPACE, _WORD, _ALONE = 0, 1, 2
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_MORE: Final = np.uint64(0xBF58476D1CE4E5B9)
_BASE: Final = 0x100000001B3
_PLANE: Final = 0x10000
_SCRIPTS_WITHOUT_SPACES: Final = (
    *((0x0E00, 0x0F00), (0x0F00, 0x0FFF), (0x1000, 0x10A0), (0x1780, 0x1800)),  # Thai, Lao, Tibetan, …
    *((0x2E80, 0x3000), (0x3005, 0x3008), (0x3040, 0x3400)),  # radicals, iteration marks, kana, …
    *((0x3400, 0xA4D0), (0xF900, 0xFB00)),  # Chinese characters, Yi
)


class Shingled(NamedTuple):
    """Texts as n-grams, end to end."""

    hashes: Hashes
    """Of the n-grams of all texts; one that occurs twice in a text is there twice."""
    offsets: NDArray[np.int64]
    """Where each text's begin, and at the end how many there are."""
    texts: Hashes
    """One for each text: equal where its words are the same in the same order; 0 for no words."""

    def of(self, at: int) -> Hashes:
        """The n-grams of one text."""
        return self.hashes[self.offsets[at] : self.offsets[at + 1]]


def shingled(texts: Sequence[str], width: int) -> Shingled:
    """`width`-grams of the words of each text, case and punctuation aside; a shorter text is one n-gram.

    In scripts that write no spaces each character is a word.
    """
    words, counts = _words([text[:LONGEST].casefold() for text in texts])
    padded, counts, begins = _padded(words, counts, width)
    grams = np.maximum(counts - width + 1, 0)
    offsets = np.concatenate([[0], np.cumsum(grams)])
    firsts = np.repeat(begins - offsets[:-1], grams) + np.arange(offsets[-1])
    hashes = np.zeros(len(firsts), np.uint64)
    for place in range(width):
        hashes = hashes * _MIX + padded[firsts + place]
    ordered = padded * _odd(np.arange(len(padded)) - np.repeat(begins, counts))
    return Shingled(_mixed(hashes), offsets, _sums(ordered, begins, counts))


def _words(texts: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """The hash of each word, end to end, and how many each text has."""
    codes = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le", "replace"), np.uint32).astype(np.intp)
    kinds = _kinds().take(codes, mode="clip")
    starts = kinds == _WORD
    starts[1:] &= kinds[:-1] != _WORD
    starts |= kinds == _ALONE
    at = np.flatnonzero(starts)
    lengths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
    counts = np.diff(np.searchsorted(at, np.cumsum(lengths)), prepend=0)
    if not len(at):
        return np.zeros(0, np.uint64), counts
    # What stands between two words adds nothing to the hash of the one before.
    letters = _letters().take(codes, mode="clip")
    if (astral := codes >= _PLANE).any():
        letters[astral] = _mixed(codes[astral].astype(np.uint64))
    lengths = np.diff(at, append=len(codes))
    behind = np.arange(len(codes) - at[0]) - np.repeat(at - at[0], lengths)
    letters[at[0] :] *= _powers(int(lengths.max())).take(behind)
    return _mixed(np.add.reduceat(letters, at)), counts


def _padded(
    words: Hashes, counts: NDArray[np.int64], width: int
) -> tuple[Hashes, NDArray[np.int64], NDArray[np.int64]]:
    """Words, so many in each text, and where each begins; those of few words filled up to `width`."""
    full = np.where(counts > 0, np.maximum(counts, width), 0)
    begins = np.cumsum(full) - full
    padded = np.zeros(int(full.sum()), np.uint64)
    padded[np.arange(len(words)) + np.repeat(begins - (np.cumsum(counts) - counts), counts)] = words
    return padded, full, begins


def _sums(values: Hashes, begins: NDArray[np.int64], counts: NDArray[np.int64]) -> Hashes:
    """The sum of each text's values, mixed; 0 for a text without any."""
    found = np.zeros(len(counts), np.uint64)
    some = counts > 0
    if some.any():
        found[some] = _mixed(np.add.reduceat(values, begins[some]))
    return found


def _mixed(values: Hashes) -> Hashes:
    """Each bit of a value spread over all bits, as splitmix64 does."""
    values = (values ^ (values >> np.uint64(30))) * _MORE
    values = (values ^ (values >> np.uint64(27))) * _MIX
    return values ^ (values >> np.uint64(31))


def _odd(places: NDArray[np.int64]) -> Hashes:
    return _mixed(places.astype(np.uint64) + _MIX) | np.uint64(1)


def _powers(count: int) -> Hashes:
    powers = np.full(count, _BASE, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


@cache
def _letters() -> Hashes:
    """What each character adds to the hash of its word: 0 for those that belong to none."""
    return np.where(_kinds() == _SPACE, np.uint64(0), _mixed(np.arange(_PLANE + 1, dtype=np.uint64)))


@cache
def _kinds() -> NDArray[np.uint8]:
    """Of each character of the basic plane, and once for all others, whether it belongs to a word."""
    kinds = np.fromiter(
        (_SPACE if unicodedata.category(chr(code))[0] in "ZCPS" else _WORD for code in range(_PLANE)),
        np.uint8,
        _PLANE,
    )
    for first, behind in _SCRIPTS_WITHOUT_SPACES:
        part = kinds[first:behind]
        part[part == _WORD] = _ALONE
    return np.append(kinds, np.uint8(_ALONE))
