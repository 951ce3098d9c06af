"""What the recipe wishes of packages and device: quantisation, optimizer and attention kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from engine.findings import Finding
from engine.model.layers import bytes_of
from engine.preflight.patches import patch, remedy
from engine.preflight.subject import Subject

_NF4_BITS: Final = {True: 4.127, False: 4.5}
"""Bits of a weight in 4 bits with scales that are quantised too, or not (QLoRA, arXiv 2305.14314)."""
_INT8_BITS: Final = 8.0
_OF_BITSANDBYTES: Final = ("adamw_8bit", "paged_adamw_32bit", "paged_adamw_8bit", "lion_32bit", "lion_8bit")
_UNPAGED: Final = {"paged_adamw_32bit": "adamw_torch", "paged_adamw_8bit": "adamw_8bit"}
_FLASH: Final = "flash_attention_2"


def look(subject: Subject, *, on_card: bool, narrow: bool) -> Iterator[Finding]:
    """What is not to be had here, and what the run does then.

    Args:
        on_card: the run has a GPU.
        narrow: it computes in 16 bits.
    """
    yield from _backend(subject)
    recipe = subject.recipe
    if not on_card and recipe.optim in _UNPAGED:
        change = patch(recipe, optim=_UNPAGED[recipe.optim])
        yield Finding(
            category="quantization_backend",
            severity="note",
            title="On a CPU the optimizer's moments are not paged",
            cause="There they lie in the machine's own memory already.",
            remedy=f"Nothing; or the same by another name. {remedy(change)}",
            patch=change,
        )
    lacking = _attention(recipe.attn_implementation, on_card=on_card, narrow=narrow)
    if lacking:
        change = patch(recipe, attn_implementation="auto")
        yield Finding(
            category="dependency_version",
            severity="warning",
            title=f"There is no {recipe.attn_implementation} here, and attention is computed in another way",
            cause=lacking,
            remedy=f"Nothing: what is learnt is the same, to rounding. {remedy(change)}",
            patch=change,
        )


def _backend(subject: Subject) -> Iterator[Finding]:
    recipe = subject.recipe
    quantised = recipe.load_in_4bit or recipe.load_in_8bit
    if find_spec("bitsandbytes") is None:
        if quantised or recipe.optim in _OF_BITSANDBYTES:
            wanted = {"load_in_4bit": False, "load_in_8bit": False, "optim": "adamw_torch"}
            change = patch(recipe, **{k: v for k, v in wanted.items() if getattr(recipe, k) != v})
            yield Finding(
                category="quantization_backend",
                severity="blocker",
                title="The recipe needs bitsandbytes, which is not installed",
                evidence=[f"{name}: {getattr(recipe, name)}" for name in change.recipe],
                cause="Bases in 4 or 8 bits, and optimizers with 8-bit or paged moments, are its work.",
                remedy=f"pip install bitsandbytes, or do without. {remedy(change)}",
                patch=change,
            )
    elif quantised and "quantization_config" in subject.config:
        change = patch(recipe, **{_wish(subject): False})
        yield Finding(
            category="quantization_backend",
            severity="note",
            title="The model is quantised in its files already, and keeps to that",
            cause="Weights are not quantised twice.",
            remedy=remedy(change),
            patch=change,
        )


def _wish(subject: Subject) -> str:
    return "load_in_8bit" if subject.recipe.load_in_8bit else "load_in_4bit"


def _attention(wish: str, *, on_card: bool, narrow: bool) -> str:
    """Why `wish` cannot be granted; empty where it can, as far as is known without the model."""
    if wish == "flex_attention":
        return "" if on_card else "On a CPU it has no gradient."
    if wish != _FLASH:
        return ""
    if not on_card:
        return "It needs a GPU."
    if not narrow:
        return "It computes in 16 bits, and this run computes in fp32."
    return "" if find_spec("flash_attn") else "The package flash-attn is not installed."


def weights(subject: Subject, bits: int, *, quantised: float | None = None) -> int:
    """Bytes of the model's weights with floats of `bits` each, linear layers as the recipe holds them.

    Args:
        quantised: bits of a weight of the decoder's linear layers, where not the recipe decides.
    """
    whole = bytes_of(subject.tensors, bits)
    held = quantised or _held(subject)
    if held is None or subject.layers is None:
        return whole
    inside = sum(math.prod(shape) for shape in subject.layers.inside.values())
    return whole - int(inside * (bits - held) / 8)


def _held(subject: Subject) -> float | None:
    recipe = subject.recipe
    if "quantization_config" in subject.config or not (recipe.load_in_4bit or recipe.load_in_8bit):
        return None
    return _INT8_BITS if recipe.load_in_8bit else _NF4_BITS[recipe.bnb_4bit_use_double_quant]


def in_4_bits(subject: Subject, bits: int) -> int | None:
    """Bytes of the weights if they were held in 4 bits; None where they are so already, or cannot be."""
    can = find_spec("bitsandbytes") is not None and "quantization_config" not in subject.config
    if not can or subject.layers is None or subject.recipe.load_in_4bit:
        return None
    return weights(subject, bits, quantised=_NF4_BITS[True])
