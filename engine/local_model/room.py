"""How a model is loaded so that no training is slower or smaller for it: threads, layers, context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from engine.leases.asked import CPU
from engine.leases.cards import device_of
from engine.llama.gguf import Gguf
from engine.local_model.neighbours import Neighbour
from engine.messages import Gpu
from engine.text import amount

_CONTEXTS: Final = (8192, 4096, 2048, 1024)
"""The first is for a card: a CPU reads some tens of tokens a second of a large model."""
_BESIDE: Final = 256 << 20
"""Bytes of llama.cpp beside weights and cache: its compute buffers at a batch of 64."""
ON_CARD: Final = 768 << 20
"""The same on a card, with CUDA's own context."""
_KEPT: Final = 1 << 30
"""Bytes of a card that stay free whatever is known of its runs."""
_WORTH: Final = 0.25
"""Share of the layers below which a card does not make an answer quicker."""
_ALL: Final = 999
_MOST: Final = 8
"""Threads beyond which memory, not arithmetic, is what an answer waits for."""


class How(msgspec.Struct, frozen=True, kw_only=True):
    """The way in which a model is loaded."""

    context: int
    threads: int
    gpu_layers: int = 0
    card: str = ""
    """UUID of the card that has the layers; empty where there are none."""
    refused: str = ""
    """Why it cannot be loaded at all now; empty where it can."""


def how(
    model: Gguf,
    neighbours: Sequence[Neighbour],
    cards: Sequence[Gpu],
    free: int,
    cores: int,
) -> How:
    """The way to load `model` now.

    Args:
        neighbours: the runs that have not ended.
        cards: those that may be used, as NVML sees them, without what this model holds itself.
        free: bytes of memory that nobody uses.
        cores: physical ones.
    """
    threads = _threads(neighbours, cores)
    trained = model.context or _CONTEXTS[1]
    best = max(cards, key=lambda card: left_over(card, neighbours), default=None)
    if best is not None:
        context = min(trained, _CONTEXTS[0])
        layers = _layers(model, left_over(best, neighbours), context)
        if layers == _ALL or (layers >= _WORTH * model.layers and _fits(model, context, free)):
            return How(context=context, threads=threads, gpu_layers=layers, card=best.uuid)
    for context in _CONTEXTS[1:]:
        if _fits(model, min(trained, context), free):
            return How(context=min(trained, context), threads=threads)
    return How(context=min(trained, _CONTEXTS[-1]), threads=threads, refused=_too_large(model, free))


def left_over(card: Gpu, neighbours: Sequence[Neighbour]) -> int:
    """Bytes of a card that no run uses or will use; 0 where a run waits, or its need is not known."""
    here = [one for one in neighbours if device_of(card) in one.devices]
    if any(not one.devices for one in neighbours) or any(one.need is None for one in here):
        return 0
    taken = max(card.used, sum(one.need or 0 for one in here))
    return max(card.total - taken - _KEPT, 0)


def _layers(model: Gguf, left: int, context: int) -> int:
    each = (model.bytes + model.cache_bytes(context)) // (model.layers + 1)
    fitting = (left - ON_CARD) // max(each, 1)
    return _ALL if fitting > model.layers else max(fitting, 0)


def _fits(model: Gguf, context: int, free: int) -> bool:
    return needs(model, context) <= free


def needs(model: Gguf, context: int) -> int:
    """Bytes of memory that the model takes on a CPU."""
    return model.bytes + model.cache_bytes(context) + _BESIDE


def _threads(neighbours: Sequence[Neighbour], cores: int) -> int:
    """One beside a run on the CPU, which has a thread for each core; beside one on a card, half of them."""
    if any(CPU in one.devices for one in neighbours):
        return 1
    return max(min(cores // 2 if neighbours else cores - 1, _MOST), 1)


def _too_large(model: Gguf, free: int) -> str:
    need = needs(model, min(model.context or _CONTEXTS[-1], _CONTEXTS[-1]))
    return f"it needs {amount(need)} of memory, and {amount(free)} are free"
