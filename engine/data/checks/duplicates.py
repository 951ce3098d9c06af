"""Counts rows whose values are equal to those of a row before, in eight bytes a row."""

from __future__ import annotations

import json
import os
from array import array
from typing import Any, Final

import msgspec

_BUCKETS: Final = 256
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Duplicates:
    """Hashes in buckets, so that a count needs memory for the rows of one bucket at a time.

    The hash has 64 bits: among ten million different rows a false match has a chance of 1 in 370,000.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, values: dict[str, Any]) -> None:
        """One more row."""
        number = hash(canonical(values))
        self.rows += 1
        self._buckets[number % _BUCKETS].append(number)

    def count(self) -> int:
        """Rows beyond the first of each kind."""
        return sum(len(bucket) - len(set(bucket)) for bucket in self._buckets)


def canonical(values: dict[str, Any]) -> bytes:
    """The same bytes for equal values, whatever the order of their columns."""
    try:
        return _encode(values)
    except (UnicodeEncodeError, OverflowError, ValueError, TypeError):
        # Half characters and numbers above 64 bits are beyond msgspec.
        return json.dumps(values, sort_keys=True).encode()
    except RecursionError:  # so deep that it was hardly read: taken for the only one of its kind
        return os.urandom(16)
