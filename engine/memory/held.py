"""How weights and an optimizer's state are held: in fewer bits than they are computed with."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.memory.facts import Facts
from engine.memory.parts import Parts
from engine.recipe.recipe import Recipe

_FOUR: Final = 0.5
"""Bytes of a number in 4 bits, without its scale."""
_SCALES: Final = {False: 4 / 64, True: 1 / 64 + 4 / (64 * 256)}
"""Bytes of scale for each: fp32 for 64 numbers; with double quantisation 8 bits, and fp32 for 256 of these
(QLoRA, arXiv 2305.14314, section 3)."""
_STATE: Final = {
    "adamw_8bit": 2, "paged_adamw_8bit": 2, "lion_32bit": 4, "lion_8bit": 1, "sgd": 0, "adafactor": 0,
}  # fmt: skip
"""Bytes that an optimizer keeps of a parameter, where they are not AdamW's; Adafactor keeps two vectors of a
matrix. Paged state is counted: it leaves the card under need alone."""
_ADAMW: Final = 8
"""Two moments in fp32."""


def state_bytes(optim: str) -> int:
    """Bytes that an optimizer of this name keeps of each parameter, Adafactor's vectors left out."""
    return _STATE.get(optim, _ADAMW)


def held(parts: Parts, recipe: Recipe, facts: Facts | None, width: int) -> Parts:
    """`parts` of a run that holds all in full as the recipe holds them; `width`: bytes of a full weight."""
    if recipe.optim in _STATE:
        parts = replace(parts, optimizer=parts.adapter // 4 * state_bytes(recipe.optim))
    if facts is None or not (recipe.load_in_4bit or recipe.load_in_8bit):
        return parts
    narrow = _FOUR + _SCALES[recipe.bnb_4bit_use_double_quant] if recipe.load_in_4bit else 1.0
    numbers = facts.layers * facts.matrices
    # A product widens its matrix for a moment, and that of the next pass may not wait for it.
    widened = facts.largest * width
    return replace(
        parts,
        weights=parts.weights - int(numbers * (width - narrow)),
        activations=parts.activations + widened,
    )
