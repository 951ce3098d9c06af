"""Follows the bytes that are alive while operations run, by what they are for."""

from __future__ import annotations

import weakref
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Peak:
    """The most that was alive at once, and what it was for."""

    def __init__(self) -> None:
        self.bytes = 0
        self.parts: Counter[str] = Counter()


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts each storage once, from the operation that makes it until nothing holds it any more.

    Attributes:
        moment: what is being done; each moment has a peak of its own.
        part: what new storages are for.
        peaks: by moment.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moment, self.part = "", ""
        self.peaks: defaultdict[str, Peak] = defaultdict(Peak)
        self._alive: Counter[str] = Counter()
        self._total = 0
        self._known: dict[int, tuple[int, str]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._seen(leaf.untyped_storage())
        return out

    @contextmanager
    def doing(self, moment: str, part: str) -> Iterator[None]:
        """Inside, it is `moment`, and what is made is for `part`."""
        before = self.moment, self.part
        self.moment, self.part = moment, part
        self._look()
        yield
        self.moment, self.part = before

    def belongs(self, tensor: torch.Tensor, part: str) -> None:
        """Count a tensor that may be known already as `part`."""
        storage = tensor.untyped_storage()
        self._seen(storage)
        size, before = self._known[id(storage)]
        self._known[id(storage)] = (size, part)
        self._alive[before] -= size
        self._alive[part] += size

    def _seen(self, storage: torch.UntypedStorage) -> None:
        key = id(storage)
        if key in self._known:
            return
        size = storage.nbytes()
        self._known[key] = (size, self.part)
        weakref.finalize(storage, self._gone, key)
        self._alive[self.part] += size
        self._total += size
        self._look()

    def _gone(self, key: int) -> None:
        size, part = self._known.pop(key)
        self._alive[part] -= size
        self._total -= size

    def _look(self) -> None:
        peak = self.peaks[self.moment]
        if self._total > peak.bytes:
            peak.bytes, peak.parts = self._total, self._alive.copy()
