"""A base model whose weights are held in 4 or 8 bits by bitsandbytes."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import nn
from transformers import BitsAndBytesConfig

from engine.data.refusal import Refusal
from engine.recipe.recipe import Recipe
from engine.text import one_line
from engine.train.machine import Machine

_PACKS: Final = "support_avx512bf16_for_cpu"
"""Lets a 4-bit layer of bitsandbytes pack its weights anew."""


def quantisation(recipe: Recipe, machine: Machine) -> BitsAndBytesConfig | None:
    """How the recipe wants the weights held; None where as they are.

    Raises:
        Refusal: bitsandbytes is not there, or does not work here.
    """
    if recipe.load_in_8bit:
        _prove_backend("load_in_8bit")
        return BitsAndBytesConfig(load_in_8bit=True)
    if not recipe.load_in_4bit:
        return None
    _prove_backend("load_in_4bit")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=recipe.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=recipe.bnb_4bit_use_double_quant,
        bnb_4bit_compute_dtype=machine.compute,
    )


def _prove_backend(field: str) -> None:
    try:
        import bitsandbytes  # noqa: F401
    except Exception as error:  # a library that was built for other hardware raises what it runs into
        raise Refusal(
            "quantization_backend",
            "bitsandbytes, which quantises the base model, cannot be used.",
            where=f"recipe: {field}",
            why=one_line(f"{type(error).__name__}: {error}", 300),
            do=f"pip install -U bitsandbytes (`openlora doctor` tries it), or set {field}: false.",
        ) from error


def settle(base: nn.Module) -> None:
    """Keep bitsandbytes from packing the weights anew for inference, and from a warning for each product.

    On a CPU with bf16 its 4-bit layers pack their weights anew the first time that they are used at rest, as
    an evaluation does; products of such weights have no gradient, and training would go on without one.
    """
    for module in base.modules():
        if hasattr(module, _PACKS):
            setattr(module, _PACKS, False)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def held_in(base: nn.Module) -> str:
    """How linear layers hold their weights: `nf4`, `nf4, double`, `fp4`, `int8`; empty for plainly."""
    for weight in base.parameters():
        if (state := getattr(weight, "quant_state", None)) is not None:
            return f"{state.quant_type}, double" if state.nested else str(state.quant_type)
        if weight.dtype == torch.int8:
            return "int8"
    return ""


def elements(weight: torch.Tensor) -> int:
    """Numbers that a weight stands for: two in each byte of one in 4 bits."""
    state = getattr(weight, "quant_state", None)
    return math.prod(state.shape) if state is not None else weight.numel()


def numbers(weight: Any) -> Iterator[torch.Tensor]:
    """The tensors of a weight that can be other than finite: itself, or the scales of a quantised one."""
    state = getattr(weight, "quant_state", None)
    if state is not None:
        scales = (state.absmax, state.offset, state.state2.absmax if state.nested else None)
        yield from (scale for scale in scales if scale is not None and scale.is_floating_point())
    elif (scale := getattr(weight, "SCB", None)) is not None:
        yield scale
    elif weight.is_floating_point():
        yield weight
