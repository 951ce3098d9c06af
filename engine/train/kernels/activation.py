"""Activations that transformers spells out in many operations, as the one operation that they are."""

from __future__ import annotations

from typing import Final

from torch import nn
from transformers.activations import FastGELUActivation, NewGELUActivation

_TANH: Final = (NewGELUActivation, FastGELUActivation)
"""Both are GELU's approximation by tanh; torch's own keeps one tensor for the backward pass, not eight."""


def fuse(model: nn.Module) -> None:
    """Put torch's GELU in the place of those of `model` that are the same function."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, _TANH):
                setattr(parent, name, nn.GELU(approximate="tanh"))
