"""Numbers that stopped being numbers."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="loss_scale",
        category="nan_or_inf",
        says=lines(
            "loss scale (?:is )?already at minimum",
            "cannot decrease scale anymore",
            "Minimum loss scale reached",
            "loss_scale.{0,30}(?:reached|below) (?:the )?minimum",
        ),
        sure=0.95,
        title="fp16 overflowed at every scale of the loss.",
        cause="Gradients are not finite whatever the scale: weights or activations are beyond "
        "fp16's range, as in models that were made in bf16.",
        do="Train in bf16, or in fp32 where the card has none; else look for rows whose loss is not finite.",
    ),
    Saying(
        name="overflow_again",
        category="nan_or_inf",
        says=lines(
            "OVERFLOW!? .{0,20}Skipping step",
            r"Gradient overflow\.\s+Skipping step",
            "grad(?:ient)? overflow on iteration",
        ),
        times=6,
        sure=0.75,
        title="Step after step is skipped for an overflow.",
        cause="A few skipped steps at the start are how the scale of the loss is found; when they "
        "do not end, nothing is learnt.",
        do="Train in bf16; else lower learning_rate and look at the rows of these steps.",
    ),
    Saying(
        name="overflow",
        category="nan_or_inf",
        says=lines(
            "OVERFLOW!? .{0,20}Skipping step",
            r"Gradient overflow\.\s+Skipping step",
            r"reducing (?:the )?loss scale to (?:0|1)(?:\.0)?\b",
        ),
        sure=0.5,
        severity="warning",
        title="Steps are skipped because gradients overflow in fp16.",
        cause="A few of them at the start are normal; if they go on, nothing is learnt.",
        do="See whether they end within some ten steps; else train in bf16.",
    ),
    Saying(
        name="not_finite_sampling",
        category="nan_or_inf",
        says=lines(
            "probability tensor contains either",
            "(?:invalid values|invalid multinomial distribution).{0,60}(?:nan|inf)",
        ),
        sure=0.88,
        title="The model's outputs hold NaN or infinity: no token can be drawn from them.",
        cause="Weights that became NaN in training, an overflow in fp16, or padded rows whose every "
        "position is masked.",
        do="Look for NaN in the adapter; generate in bf16 or fp32, with padding on the left and an "
        "attention mask.",
    ),
    Saying(
        name="not_finite",
        category="nan_or_inf",
        says=lines(
            r"\bloss (?:is|became|was|has become|turned)\s*(?:to )?(?:nan|inf)",
            r"\b(?:nan|inf(?:inite)?|non-?finite)\b[ -](?:loss|grad)",
            r"(?:NaN|Inf) (?:or Inf |detected|found|loss|values? )\w*",
            "found (?:nan|inf)",
            "(?:nan|inf) (?:in|at) (?:the )?(?:loss|grad)",
            "returned nan values in its",
            "is non-finite, so it cannot be clipped",
            "loss is not finite",
            "Input contains NaN",
            "contains? (?:NaN|inf)",
            "Out of range float values are not JSON compliant",
        ),
        apart="NaN or Inf found in input tensor",
        sure=0.85,
        title="The loss or a gradient stopped being a number.",
        cause="An overflow in 16 bits, too high a rate, rows without a label, or an attention "
        "kernel with rows that are masked whole.",
        do="Train in bf16 with weights of the adapter in fp32; try eager attention on one batch; "
        "lower learning_rate; look for rows without labels.",
    ),
    Saying(
        name="not_finite_seen",
        category="nan_or_inf",
        says=lines(
            "NaN or Inf found in input tensor",
            "invalid value encountered in",
            "divide by zero encountered",
        ),
        sure=0.5,
        severity="warning",
        title="A figure that was logged is not a number.",
        cause="It may be the loss or a gradient; then the weights that follow are lost.",
        do="Look which figure it is; if it is the loss or the gradient norm, stop the run.",
    ),
)
