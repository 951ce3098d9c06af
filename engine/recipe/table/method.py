"""What a method has beside rank, alpha and target: variants of LoRA, its start, its layers one by one."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

_LORA: Final = ("lora",)
_LAYERED: Final = ("lora", "adalora", "vera", "ia3")
"""Methods that sit on layers of the model."""

FIELDS: Final = (
    Field(
        name="use_rslora",
        label="Rank-stabilised",
        help="rsLoRA: the adapter's output is multiplied by alpha / root of rank, which suits high ranks.",
        wrong="At rank 16 the factor is 4 times that of alpha / rank: lower alpha, or the rate.",
        source="PEFT's default, off (arXiv 2312.03732).",
        section="adapter",
        on_resume="changes",
        level="expert",
        methods=_LORA,
    ),
    Field(
        name="use_dora",
        label="DoRA",
        help="Learns the length of each output's weights apart from their direction: better at low ranks.",
        wrong="A step takes up to twice as long and more memory; merge the adapter before it is served.",
        source="PEFT's default, off (arXiv 2402.09353).",
        section="adapter",
        on_resume="refused",
        level="expert",
        methods=_LORA,
    ),
    Field(
        name="init_lora_weights",
        label="Start of the adapter",
        help="From what LoRA starts: at random, or from the weights (pissa, olora) or the data (eva).",
        wrong=(
            "With pissa every layer is decomposed first, minutes on a large model: pissa_niter_16 takes "
            "seconds. For loftq the base has to be in 4 bits."
        ),
        source="PEFT's default (arXiv 2106.09685); PiSSA 2404.02948, EVA 2410.07170.",
        section="adapter",
        on_resume="refused",
        level="expert",
        choices=("default", "gaussian", "orthogonal", "pissa", "olora", "eva", "loftq"),
        also=r"pissa_niter_[1-9]\d?",
        methods=_LORA,
    ),
    Field(
        name="loraplus_lr_ratio",
        label="LoRA+ ratio",
        help="How many times the rate of the A matrices the B matrices learn at; 1 is plain LoRA.",
        wrong="With 16 the rate of A wants to be lower than usual, else the loss jumps.",
        source="Our choice, off; the paper proposes 16 (arXiv 2402.12354).",
        section="adapter",
        on_resume="changes",
        level="expert",
        low=0.01,
        high=1000,
        methods=_LORA,
    ),
    Field(
        name="rank_pattern",
        label="Ranks by layer",
        help="Other ranks for layers by name or expression, such as {q_proj: 32, layers.0.mlp: 4}.",
        wrong="A name that matches no adapted layer is refused; alpha stays, so the factor changes with it.",
        source="PEFT's default, one rank for all.",
        section="adapter",
        on_resume="refused",
        level="expert",
        low=1,
        high=4096,
        methods=_LORA,
    ),
    Field(
        name="alpha_pattern",
        label="Alphas by layer",
        help="Other alphas for layers by name or expression, such as {q_proj: 64}.",
        wrong="A name that matches no adapted layer is refused.",
        source="PEFT's default, one alpha for all.",
        section="adapter",
        on_resume="changes",
        level="expert",
        low=0.001,
        high=65536,
        methods=_LORA,
    ),
    Field(
        name="layers_to_transform",
        label="Blocks that learn",
        help="Numbers of the blocks with an adapter, counted from 0, as [0, 1] or 8-15; none means all.",
        wrong="The last blocks alone cost less and learn less; a number that the model lacks is refused.",
        source="PEFT's default, all of them.",
        section="adapter",
        on_resume="refused",
        level="expert",
        methods=_LAYERED,
    ),
    Field(
        name="exclude_modules",
        label="Layers left out",
        help="Layers of the target that carry no adapter: names as [down_proj], or one expression.",
        wrong="A name that matches nothing of the target is refused.",
        source="PEFT's default, none.",
        section="adapter",
        on_resume="refused",
        level="expert",
        methods=_LAYERED,
    ),
    Field(
        name="modules_to_save",
        label="Modules that learn whole",
        help="Modules that learn all their weights and are saved, such as [embed_tokens, lm_head].",
        wrong="The embeddings of a 7B model add gigabytes to memory and adapter; needed for new tokens only.",
        source="PEFT's default, none.",
        section="adapter",
        on_resume="refused",
        level="expert",
        methods=_LAYERED,
    ),
    Field(
        name="num_virtual_tokens",
        label="Learnt tokens",
        help="Tokens that are learnt and stand before each row.",
        wrong="They take their place from the model's context; below 10 there is little to learn with.",
        source="PEFT's examples; the paper takes 20 to 100 (arXiv 2104.08691).",
        section="adapter",
        on_resume="refused",
        unit="tokens",
        low=1,
        high=4096,
        methods=("prompt", "prefix"),
    ),
)
