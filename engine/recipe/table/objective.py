"""What a run learns from its rows: answers, or which of two answers is better."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="objective",
        label="Objective",
        help="Learns answers (sft), or to prefer the better of two (dpo, orpo).",
        wrong=(
            "A model that cannot answer yet learns nothing from dpo: run sft first, and name its run "
            "as `adapter`. dpo wants a fortieth of sft's learning rate."
        ),
        source="SFT; DPO (arXiv 2305.18290); ORPO (arXiv 2403.07691).",
        section="what",
        on_resume="refused",
        choices=("sft", "dpo", "orpo"),
    ),
    Field(
        name="beta",
        label="Beta",
        help="In dpo, how much the model is held to what it was; in orpo, preference's weight.",
        wrong=(
            "Too small, and dpo drifts into broken texts that are preferred; too large, and it "
            "learns nothing. ipo: the inverse of the margin."
        ),
        source="TRL's default for both; the papers use 0.1 too.",
        section="what",
        on_resume="changes",
        level="expert",
        low=0.0001,
        high=100,
    ),
    Field(
        name="loss_type",
        label="Preference loss",
        help="Loss of dpo: its own (sigmoid), one that stops at a margin (ipo), or that of SLiC (hinge).",
        wrong="With sigmoid the margin of pairs that are learnt already goes on widening.",
        source="TRL's default; arXiv 2305.18290, 2310.12036, 2305.10425.",
        section="what",
        on_resume="changes",
        level="expert",
        choices=("sigmoid", "ipo", "hinge"),
    ),
)
