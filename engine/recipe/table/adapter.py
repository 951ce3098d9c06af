"""The adapter: how much it can hold, and where it sits."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="method",
        label="Method",
        help="What of the model learns: docs/methods.md says when to choose which.",
        wrong=(
            "The less learns, the less it can hold and the higher the rate that it wants; full takes many "
            "times the memory of LoRA."
        ),
        source="Our choice: LoRA (arXiv 2106.09685).",
        section="adapter",
        on_resume="refused",
        choices=("lora", "adalora", "vera", "ia3", "prompt", "prefix", "bitfit", "full"),
    ),
    Field(
        name="lora_r",
        label="Rank",
        help="Rank of the adapter's matrices: how much it can hold, and what it costs.",
        wrong=(
            "Too low for the data and the loss stays high; higher than needed costs memory and time, and "
            "gains nothing."
        ),
        source="TRL's default; PEFT's is 8, the QLoRA scripts use 64.",
        section="adapter",
        on_resume="refused",
        level="essential",
        low=1,
        high=4096,
        methods=("lora", "adalora", "vera"),
    ),
    Field(
        name="lora_alpha",
        label="Alpha",
        help="Scale of the adapter; its output is multiplied by alpha / rank.",
        wrong=(
            "The factor is alpha / rank: raise the rank alone and each update shrinks. A large factor "
            "works like a large learning rate, and diverges."
        ),
        source="TRL's default, twice the rank; 32 in LoRA Without Regret (2025).",
        section="adapter",
        on_resume="changes",
        low=0.001,
        high=65536,
        methods=("lora", "adalora"),
    ),
    Field(
        name="lora_dropout",
        label="Dropout",
        help="Share of the adapter's inputs that are dropped in training.",
        wrong="High dropout slows learning, and rarely helps where each row is seen only a few times.",
        source="PEFT's default; the QLoRA scripts use 0.05 for the largest models.",
        section="adapter",
        on_resume="changes",
        low=0,
        high=0.9,
        step=0.05,
        methods=("lora", "adalora", "vera"),
    ),
    Field(
        name="target_modules",
        label="Target modules",
        help="Layers with an adapter: all-linear, attention, names as [q_proj, v_proj], or one expression.",
        wrong=(
            "Attention layers alone learn less, even at the same number of weights. A name that matches "
            "no layer is refused."
        ),
        source="QLoRA (arXiv 2305.14314); LoRA Without Regret (2025).",
        section="adapter",
        on_resume="refused",
        methods=("lora", "adalora", "vera", "ia3"),
    ),
    Field(
        name="adapter",
        label="Start from adapter",
        help="Goes on from an adapter: a run's number or name, `last`, or a folder such as ./adapter.",
        wrong=(
            "An adapter of another base model is refused. Its own rank, alpha, dropout and target modules "
            "count, and not the recipe's."
        ),
        source="PEFT: a run begins with an adapter that changes nothing.",
        section="adapter",
        on_resume="refused",
        level="expert",
    ),
    Field(
        name="merge_adapter",
        label="Merge it first",
        help="Merges the adapter that the run starts from into the model, and trains a new one on top of it.",
        wrong=(
            "The saved adapter holds both parts and has their ranks together. Where it is off, the old "
            "adapter itself goes on learning."
        ),
        source="PEFT: an adapter that is loaded goes on learning.",
        section="adapter",
        on_resume="refused",
        level="expert",
    ),
)
