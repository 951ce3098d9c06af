"""When the run evaluates, saves and samples."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="eval_steps",
        label="Evaluate every",
        help="Steps between two evaluations; 0 evaluates only before the first and after the last.",
        wrong=(
            "Too rare, and overfitting is seen when it is over; too often, and evaluating takes more time "
            "than learning."
        ),
        source="Our choice: some evaluations even in a run of 150 steps.",
        section="reporting",
        on_resume="safe",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="save_steps",
        label="Save every",
        help="Steps between two checkpoints: what a power cut can cost. 0 saves only at the end.",
        wrong="Too rare, and a crash costs hours; too often, and each checkpoint costs seconds of writing.",
        source="Our choice; transformers' default is 500.",
        section="reporting",
        on_resume="safe",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="save_total_limit",
        label="Keep checkpoints",
        help="How many of the newest checkpoints stay on disk; the best by evaluation loss stays too.",
        wrong=(
            "Each checkpoint is about three times the adapter: many fill a disk, and a full disk ends the "
            "run."
        ),
        source="Our choice: one to fall back on; transformers keeps all.",
        section="reporting",
        on_resume="safe",
        low=1,
        high=1000,
        step=1,
    ),
    Field(
        name="load_best_model_at_end",
        label="Take the best",
        help="The adapter is that of the lowest evaluation loss, which gets a checkpoint, and not the last.",
        wrong="Where evaluation is rare or its rows are few, the best is the luckiest one.",
        source="transformers' default, off.",
        section="reporting",
        on_resume="changes",
    ),
    Field(
        name="early_stopping_patience",
        label="Stop early after",
        help="Evaluations without a lower loss that end the run with the best; 0: never.",
        wrong=(
            "With frequent evaluations of few rows, 1 or 2 ends a run by chance; with few "
            "evaluations the run is over before."
        ),
        source="Our choice: off, as the rate falls over the whole run.",
        section="reporting",
        on_resume="changes",
        unit="evaluations",
        low=0,
        high=10_000,
        step=1,
    ),
    Field(
        name="early_stopping_threshold",
        label="Lower by",
        help="How much the evaluation loss has to fall below the best to count as lower, in nats.",
        wrong="Above the usual gain between two evaluations, a run that learns slowly and surely is ended.",
        source="transformers' EarlyStoppingCallback, 0.",
        section="reporting",
        on_resume="changes",
        level="expert",
        low=0,
        high=100,
        step=0.01,
    ),
    Field(
        name="sample_steps",
        label="Sample every",
        help="Steps between two rounds of sample texts; 0 writes none.",
        wrong="Without samples a model that talks nonsense, or never stops, is noticed only after the run.",
        source="Our choice: as often as the evaluation.",
        section="reporting",
        on_resume="safe",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="sample_prompts",
        label="Sample prompts",
        help="Prompts to answer while training. Left out, two of the held-out rows are used.",
        wrong="Prompts unlike the data say little about what was learnt.",
        source="Our choice: rows that are never trained on.",
        section="reporting",
        on_resume="safe",
    ),
    Field(
        name="sample_max_new_tokens",
        label="Sample length",
        help="Tokens of a sample text at most.",
        wrong=(
            "Too short, and whether the answer ends by itself cannot be seen; long samples hold the "
            "training up."
        ),
        source="Our choice: two or three sentences.",
        section="reporting",
        on_resume="safe",
        unit="tokens",
        low=1,
        high=4096,
    ),
)
