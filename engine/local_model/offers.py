"""Which model is fetched where a person names none: the largest that leaves the machine to training."""

from __future__ import annotations

from typing import Final, NamedTuple

_GIB: Final = 1 << 30
_SHARE: Final = 0.25
"""Of the machine's memory that the advisor's weights may take: the rest is training's."""


class Offer(NamedTuple):
    """A model on the hub."""

    repository: str
    memory: int
    """Bytes of memory that a machine should have for it."""
    cores: int
    """Cores without which it answers slower than a person reads, about five tokens a second."""


OFFERS: Final = (
    Offer("Qwen/Qwen2.5-7B-Instruct-GGUF", 24 * _GIB, 8),
    Offer("Qwen/Qwen3-4B-GGUF", 12 * _GIB, 4),
    Offer("Qwen/Qwen2.5-1.5B-Instruct-GGUF", 6 * _GIB, 2),
    Offer("Qwen/Qwen2.5-0.5B-Instruct-GGUF", 0, 1),
)
"""All under the Apache licence 2.0, with files that their makers put there; the largest first."""


def offer(memory: int, cores: int) -> Offer:
    """The model for a machine of `memory` bytes and so many physical cores."""
    return next((one for one in OFFERS if memory >= one.memory and cores >= one.cores), OFFERS[-1])


def most(memory: int) -> int:
    """Bytes that the weights may have on a machine of `memory` bytes."""
    return max(int(memory * _SHARE), _GIB)
