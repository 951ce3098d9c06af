"""The parts of a peak of memory, by name."""

from __future__ import annotations

import msgspec


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that a run holds at its peak; their sum is the peak."""

    weights: int = 0
    """The base model's parameters and buffers."""
    adapter: int = 0
    """Parameters that train, fp32."""
    optimizer: int = 0
    """What the optimizer keeps of each of them."""
    gradients: int = 0
    activations: int = 0
    """What the forward pass leaves for the backward pass, and what a layer needs for a moment."""
    logits: int = 0
    """Scores of the vocabulary at the labels, and what the loss makes of them."""
    evaluation: int = 0
    """What an evaluation takes beyond the peak of training; 0 where it takes less."""
    allocator: int = 0
    """What the device and its allocator take for themselves."""

    @property
    def peak(self) -> int:
        """All of it."""
        return sum(msgspec.structs.astuple(self))

    def named(self) -> dict[str, int]:
        """Bytes by name, in this order."""
        return msgspec.structs.asdict(self)
