"""What a run learns from its rows: answers, or which of two answers is better."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="objective",
        label="Objective",
        help="Learns answers (sft), or to prefer a pair's chosen answer to the rejected one (dpo, orpo).",
        wrong=(
            "On a model that cannot answer yet, dpo unlearns bad answers and learns none: run sft first, and "
            "name its run as `adapter`. It wants a fortieth of sft's learning rate."
        ),
        source="SFT; DPO (arXiv 2305.18290); ORPO (arXiv 2403.07691) learns answers and preference in one.",
        section="what",
        on_resume="refused",
        choices=("sft", "dpo", "orpo"),
    ),
    Field(
        name="beta",
        label="Beta",
        help="In dpo, how strongly the model is held to what it was; in orpo, the weight of the preference.",
        wrong=(
            "Too small, and dpo drifts into texts that are preferred and broken; too large, and it learns "
            "nothing. For ipo it is the inverse of the margin."
        ),
        source="TRL's default for DPO and ORPO; the papers use 0.1 too.",
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
        source="TRL's default. sigmoid: arXiv 2305.18290; ipo: 2310.12036; hinge: 2305.10425.",
        section="what",
        on_resume="changes",
        level="expert",
        choices=("sigmoid", "ipo", "hinge"),
    ),
)
