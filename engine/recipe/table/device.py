"""Where the run computes, and in which precision."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="mixed_precision",
        label="Precision",
        help="Arithmetic of the model; the adapter stays fp32. `auto` takes bf16 where the device can.",
        wrong=("Models made in bf16 overflow to NaN in fp16; `no` takes about twice the memory of either."),
        source="Our choice: bf16 has the range of fp32, which fp16 lacks.",
        section="device",
        on_resume="changes",
        choices=("auto", "no", "bf16", "fp16"),
    ),
    Field(
        name="gradient_checkpointing",
        label="Checkpoint activations",
        help="Computes activations again in the backward pass: less memory, about a third more time.",
        wrong="Off, long rows run out of memory first; on without need, each step takes longer.",
        source="transformers' default, off.",
        section="device",
        on_resume="safe",
    ),
    Field(
        name="attn_implementation",
        label="Attention kernel",
        help="How attention is computed; `auto` takes the fastest that there is here.",
        wrong="Where the device or the model lacks the one named here, the run says so and takes `auto`.",
        source="transformers' default: sdpa where the model has it, else eager.",
        section="device",
        on_resume="safe",
        level="expert",
        choices=("auto", "sdpa", "eager", "flash_attention_2", "flex_attention"),
        spelt={"fa2": "flash_attention_2", "flash": "flash_attention_2", "flex": "flex_attention"},
    ),
    Field(
        name="load_in_4bit",
        label="Base in 4 bits",
        help="Holds the base model's weights in 4 bits (QLoRA): about a quarter of the memory of bf16.",
        wrong=(
            "Without need it costs time, and a little of what the model knew: an adapter that is used on "
            "the model in 16 bits is off by the rounding."
        ),
        source="transformers' default, off; QLoRA (arXiv 2305.14314) is on.",
        section="device",
        on_resume="refused",
    ),
    Field(
        name="bnb_4bit_quant_type",
        label="4-bit numbers",
        help="Which sixteen values 4 bits stand for: nf4 for normally distributed weights, or fp4.",
        wrong="With fp4 weights are rounded further off than nf4, at the same size.",
        source="QLoRA (arXiv 2305.14314): nf4; transformers' default is fp4.",
        section="device",
        on_resume="refused",
        level="expert",
        choices=("nf4", "fp4"),
    ),
    Field(
        name="bnb_4bit_use_double_quant",
        label="Double quantisation",
        help="The scales of 4-bit weights are quantised too: 0.37 bits less for each weight.",
        wrong="Off, an 8B model takes about 0.3 GB more; on, hardly anything is lost.",
        source="QLoRA (arXiv 2305.14314): on; transformers' default is off.",
        section="device",
        on_resume="refused",
        level="expert",
    ),
    Field(
        name="load_in_8bit",
        label="Base in 8 bits",
        help="Holds the base model's weights in 8 bits (LLM.int8): about half the memory of bf16.",
        wrong="It is slower than 4 bits and takes twice the memory; it only rounds less.",
        source="transformers' default, off.",
        section="device",
        on_resume="refused",
        level="expert",
    ),
    Field(
        name="devices",
        label="Devices",
        help="`auto` (a free GPU, else the CPU), `cpu`, how many GPUs, or which: `[0, 3]`.",
        wrong=(
            "`cpu` beside a GPU takes many times as long. With more devices a step has more rows, "
            "and the rate may be too low."
        ),
        source="Our choice: one device a run; what does not fit beside others waits in the queue.",
        section="device",
        on_resume="safe",
    ),
    Field(
        name="fsdp",
        label="Spread the base",
        help="Spreads the base over several GPUs (FSDP2); `auto` where one is too small.",
        wrong=(
            "Spread without need, each step waits for weights to come; memory that runs out in a step ends "
            "the run, and no samples are written."
        ),
        source="Our choice: a base that fits is whole on each GPU: faster.",
        section="device",
        on_resume="safe",
        level="expert",
        choices=("auto", "never", "always"),
    ),
)
