"""The steps: how large, how many, over how many rows."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="learning_rate",
        label="Learning rate",
        help="Peak step size; LoRA wants ten times that of full fine-tuning: 1e-4 to 5e-4.",
        wrong=(
            "Too high and the loss jumps up or turns into NaN; too low and it hardly moves. 2e-5, as in "
            "full fine-tuning, is too low."
        ),
        source=(
            "The QLoRA scripts, up to 13B (1e-4 above); LoRA Without Regret (2025): ten times full "
            "fine-tuning."
        ),
        section="optimisation",
        on_resume="changes",
        level="essential",
        low=1e-8,
        high=1,
    ),
    Field(
        name="lr_scheduler_type",
        label="Schedule",
        help="How the rate falls after warm-up; range_test raises it, to find one.",
        wrong=(
            "Without decay the last steps stay noisy; with decay, a run that is stopped early has never "
            "seen the low rates."
        ),
        source="Common in LoRA recipes (Axolotl, LLaMA-Factory); transformers' default is linear.",
        section="optimisation",
        on_resume="changes",
        choices=("cosine", "linear", "constant", "range_test"),
    ),
    Field(
        name="warmup_ratio",
        label="Warm-up",
        help="Share of the steps in which the rate rises from 0.",
        wrong=(
            "None at all, and the first steps can throw a model off its course; in a run shorter than 30 "
            "steps, 0.03 is one step."
        ),
        source="The QLoRA scripts, 0.03; transformers' default is none.",
        section="optimisation",
        on_resume="changes",
        low=0,
        high=1,
        step=0.01,
    ),
    Field(
        name="restart_step",
        label="Restart after",
        help="The step after which rate and warm-up begin anew; 0 for one course.",
        wrong=(
            "In the middle of a run it throws away the low rates that the first course had reached. "
            "`runs resume --schedule rewarm` sets it at a run's end."
        ),
        source="SGDR (arXiv 1608.03983); none unless a finished run goes on.",
        section="optimisation",
        on_resume="changes",
        level="expert",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="num_train_epochs",
        label="Epochs",
        help="How often each row is seen. max_steps, if set, decides instead.",
        wrong=(
            "Too many and rows are learnt by heart: training loss falls while evaluation loss rises. "
            "Fewer than 1 leaves rows unseen."
        ),
        source="transformers' default, 3.",
        section="optimisation",
        on_resume="changes",
        level="essential",
        low=0.001,
        high=10_000,
        step=1,
    ),
    Field(
        name="max_steps",
        label="Steps",
        help="Optimizer steps of the run; -1 leaves it to num_train_epochs.",
        wrong="A number left over from a trial run ends the real one early, whatever the epochs say.",
        source="transformers' default, -1.",
        section="optimisation",
        on_resume="changes",
        unit="steps",
        low=-1,
        high=100_000_000,
    ),
    Field(
        name="per_device_train_batch_size",
        label="Batch size",
        help="Rows at once. Times gradient_accumulation_steps it is the rows of a step.",
        wrong=(
            "Too large runs out of memory, on the longest rows first. With accumulation above about 32 "
            "rows, LoRA learns less from each row."
        ),
        source=(
            "With accumulation 16 rows, as in the QLoRA scripts; below 32 as in LoRA Without Regret (2025)."
        ),
        section="optimisation",
        on_resume="changes",
        level="essential",
        unit="rows",
        low=1,
        high=65536,
    ),
    Field(
        name="gradient_accumulation_steps",
        label="Accumulation",
        help="Batches summed into one optimizer step. Costs time, not memory.",
        wrong=(
            "Raised alone it makes fewer and larger steps of the same data: the rate may have to rise, "
            "and short runs end up with a handful of steps."
        ),
        source="With the batch size 16 rows a step, as in the QLoRA scripts.",
        section="optimisation",
        on_resume="changes",
        low=1,
        high=65536,
    ),
    Field(
        name="max_grad_norm",
        label="Clip at",
        help="Gradients longer than this are shortened to it; 0 leaves them alone.",
        wrong=(
            "At 0 a few broken rows can spoil the adapter in one step; far below the usual norm, every "
            "step is cut to the same length."
        ),
        source="transformers' default, 1; the QLoRA scripts use 0.3.",
        section="optimisation",
        on_resume="changes",
        low=0,
        high=1e6,
        step=0.1,
    ),
    Field(
        name="weight_decay",
        label="Weight decay",
        help="Pull of the adapter's weights towards 0 in each step.",
        wrong="On an adapter it pulls back towards the base model; much of it undoes what was learnt.",
        source="transformers' default, and that of the QLoRA scripts.",
        section="optimisation",
        on_resume="changes",
        level="expert",
        low=0,
        high=1,
        step=0.01,
    ),
    Field(
        name="adam_beta1",
        label="Adam beta 1",
        help="Memory of the gradient's mean.",
        wrong="Near 1 the steps lag far behind the gradient and overshoot.",
        source="transformers' default, from Adam (arXiv 1412.6980).",
        section="optimisation",
        on_resume="changes",
        level="expert",
        low=0,
        high=0.99999,
    ),
    Field(
        name="adam_beta2",
        label="Adam beta 2",
        help="Memory of the gradient's square.",
        wrong="In runs of a few hundred steps, values above 0.999 hardly leave their start.",
        source="transformers' default, from Adam (arXiv 1412.6980); the QLoRA scripts use 0.999 too.",
        section="optimisation",
        on_resume="changes",
        level="expert",
        low=0,
        high=0.99999999,
    ),
    Field(
        name="adam_epsilon",
        label="Adam epsilon",
        help="Keeps Adam's division finite.",
        wrong="Too large and weights with small gradients do not move.",
        source="transformers' default, from Adam (arXiv 1412.6980).",
        section="optimisation",
        on_resume="changes",
        level="expert",
        low=1e-16,
        high=1,
    ),
    Field(
        name="optim",
        label="Optimizer",
        help="What turns gradients into steps; 8-bit moments take a quarter of the memory.",
        wrong=(
            "Rates suit AdamW: lion wants a third or less, sgd a hundred times. On a small adapter 8 "
            "bits save little."
        ),
        source="transformers' default, fused. The QLoRA scripts use paged_adamw_32bit.",
        section="optimisation",
        on_resume="refused",
        choices=(
            "adamw_torch",
            "adamw_8bit",
            "paged_adamw_32bit",
            "paged_adamw_8bit",
            "lion_32bit",
            "lion_8bit",
            "adafactor",
            "sgd",
        ),
        spelt={
            "adamw": "adamw_torch",
            "adamw_hf": "adamw_torch",
            "adamw_torch_fused": "adamw_torch",
            "adamw_bnb_8bit": "adamw_8bit",
            "paged_adamw": "paged_adamw_32bit",
            "lion": "lion_32bit",
        },
    ),
    Field(
        name="neftune_noise_alpha",
        label="Embedding noise",
        help="NEFTune: noise on the embeddings in training; 0 is none.",
        wrong="Too much and the loss stays high; with many rows it gains nothing.",
        source="transformers' default; the paper takes 5 to 15 (arXiv 2310.05914).",
        section="optimisation",
        on_resume="changes",
        level="expert",
        low=0,
        high=100,
        step=5,
    ),
    Field(
        name="on_divergence",
        label="On divergence",
        help="When a step breaks or the loss rises: stop, or go back and skip, or slow down.",
        wrong="`skip` hides rows that are worth a look; `lower_rate` can end where nothing moves.",
        source="Our choice: a person should see it; PaLM (2204.02311) skipped.",
        section="optimisation",
        on_resume="safe",
        choices=("stop", "skip", "lower_rate"),
    ),
    Field(
        name="on_failure",
        label="On failure",
        help="When the run fails: stop, or find the cause and begin a linked run with what may mend it.",
        wrong="What `repair` changes is told, but nobody was asked: look at it before you trust the result.",
        source="Our choice: a person should decide what is changed.",
        section="optimisation",
        on_resume="safe",
        choices=("stop", "repair"),
    ),
    Field(
        name="repair_attempts",
        label="Repairs",
        help="Linked runs that on_failure: repair begins at most, one after the other.",
        wrong="Many attempts at what no recipe can mend only take time.",
        source="Our choice; most causes that a recipe can mend are mended by the first.",
        section="optimisation",
        on_resume="safe",
        level="expert",
        unit="runs",
        low=1,
        high=20,
        step=1,
    ),
    Field(
        name="repair_budget",
        label="Repair budget",
        help="Hours that all repairs of a run may take together; 0 is no limit.",
        wrong="Less than the run itself takes, and its repair is stopped and saved before its end.",
        source="Our choice: the number of attempts is the limit.",
        section="optimisation",
        on_resume="safe",
        level="expert",
        unit="hours",
        low=0,
        high=10_000,
        step=1,
    ),
    Field(
        name="seed",
        label="Seed",
        help="Decides the initial adapter, the order of the rows, the held-out rows and dropout.",
        wrong="One seed proves little: a small difference between two runs can be the seed's.",
        source="transformers' default, 42.",
        section="optimisation",
        on_resume="refused",
        low=0,
        high=4_294_967_295,
        step=1,
    ),
)
