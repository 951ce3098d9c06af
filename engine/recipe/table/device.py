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
        name="devices",
        label="Devices",
        help="`auto` (the first free GPU, or the CPU where there is none), `cpu`, or the number of a GPU.",
        wrong=(
            "`cpu` on a machine with a GPU takes many times as long; a GPU that another program fills "
            "runs out of memory."
        ),
        source="Our choice: one run to a device, the others wait in the queue.",
        section="device",
        on_resume="safe",
    ),
)
