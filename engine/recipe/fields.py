"""One table of recipe fields: it makes the form, the command-line options, the YAML comments and the docs."""

from __future__ import annotations

import difflib
from typing import Any, Final, Literal

import msgspec

from engine.recipe.recipe import Recipe

Level = Literal["essential", "common", "expert"]
Section = Literal["what", "adapter", "optimisation", "device", "reporting"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has to know of one recipe field."""

    name: str
    label: str
    help: str
    section: Section
    level: Level = "common"
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def default(self) -> Any:
        """The value where the recipe is silent; `msgspec.NODEFAULT` for the two required fields."""
        return _DEFAULTS[self.name]

    @property
    def required(self) -> bool:
        """True for the fields that a recipe cannot leave out."""
        return self.default is msgspec.NODEFAULT

    @property
    def bounds(self) -> str:
        """The accepted values for people, such as `1 to 1,000`; empty where anything goes."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low:,.12g} to {self.high:,.12g}"
        if self.low is not None:
            return f"{self.low:,.12g} or more"
        return ""


def _defaults() -> dict[str, Any]:
    found = {}
    for info in msgspec.structs.fields(Recipe):
        has_factory = info.default_factory is not msgspec.NODEFAULT
        found[info.name] = info.default_factory() if has_factory else info.default
    return found


_DEFAULTS: Final = _defaults()

FIELDS: Final[tuple[Field, ...]] = (
    Field(
        name="model",
        label="Model",
        help="A folder with a Hugging Face model, or a hub id such as Qwen/Qwen2.5-1.5B.",
        section="what",
        level="essential",
    ),
    Field(
        name="data",
        label="Data",
        help="A file or a list of files to learn from: .jsonl, .json, .csv or .txt.",
        section="what",
        level="essential",
    ),
    Field(
        name="run_name",
        label="Name",
        help="What the run is called on the screens; the recipe's file name if left out.",
        section="what",
    ),
    Field(
        name="output_dir",
        label="Output folder",
        help="Where the finished adapter goes; inside the run's own folder if left out.",
        section="what",
    ),
    Field(
        name="eval_data",
        label="Evaluation data",
        help="Files to measure on and never train on. Left out, part of the training rows is held out.",
        section="what",
    ),
    Field(
        name="eval_split",
        label="Held-out share",
        help="Share of the training rows that is held out where eval_data is left out; 0 measures nothing.",
        section="what",
        low=0,
        high=0.5,
    ),
    Field(
        name="data_format",
        label="Data format",
        help="The shape of a row. `auto` goes by the column names and says what it found.",
        section="what",
        choices=("auto", "text", "prompt_completion", "alpaca", "sharegpt", "messages", "question_answer"),
    ),
    Field(
        name="max_length",
        label="Longest row",
        help="Tokens of a row that are kept; what goes beyond is cut, which cuts answers first.",
        section="what",
        level="essential",
        unit="tokens",
        low=8,
        high=1_048_576,
    ),
    Field(
        name="method",
        label="Method",
        help="How the model is tuned.",
        section="adapter",
        choices=("lora",),
    ),
    Field(
        name="lora_r",
        label="Rank",
        help="Rank of the adapter's matrices: how much it can hold, and what it costs.",
        section="adapter",
        level="essential",
        low=1,
        high=4096,
    ),
    Field(
        name="lora_alpha",
        label="Alpha",
        help="Scale of the adapter; its output is multiplied by alpha / rank.",
        section="adapter",
        low=0.001,
        high=65536,
    ),
    Field(
        name="lora_dropout",
        label="Dropout",
        help="Share of the adapter's inputs dropped in training; helps only where few rows are seen often.",
        section="adapter",
        low=0,
        high=0.9,
    ),
    Field(
        name="target_modules",
        label="Target modules",
        help="Which layers carry an adapter: all-linear, or a list of module names such as [q_proj, v_proj].",
        section="adapter",
    ),
    Field(
        name="adapter",
        label="Start from adapter",
        help="A folder with an adapter to go on from, in place of a fresh one.",
        section="adapter",
        level="expert",
    ),
    Field(
        name="learning_rate",
        label="Learning rate",
        help="Peak step size. LoRA wants about ten times the rate of full fine-tuning: 1e-4 to 5e-4.",
        section="optimisation",
        level="essential",
        low=1e-8,
        high=1,
    ),
    Field(
        name="lr_scheduler_type",
        label="Schedule",
        help="How the rate falls after warm-up: along a cosine to 0, in a line to 0, or not at all.",
        section="optimisation",
        choices=("cosine", "linear", "constant"),
    ),
    Field(
        name="warmup_ratio",
        label="Warm-up",
        help="Share of the steps in which the rate rises from 0.",
        section="optimisation",
        low=0,
        high=1,
    ),
    Field(
        name="num_train_epochs",
        label="Epochs",
        help="How often each row is seen. max_steps, if set, decides instead.",
        section="optimisation",
        level="essential",
        low=0.001,
        high=10_000,
    ),
    Field(
        name="max_steps",
        label="Steps",
        help="Optimizer steps of the run; -1 leaves it to num_train_epochs.",
        section="optimisation",
        unit="steps",
        low=-1,
        high=100_000_000,
    ),
    Field(
        name="per_device_train_batch_size",
        label="Batch size",
        help="Times gradient_accumulation_steps: rows of a step. Times max_length: tokens held at once.",
        section="optimisation",
        level="essential",
        unit="rows",
        low=1,
        high=65536,
    ),
    Field(
        name="gradient_accumulation_steps",
        label="Accumulation",
        help="Batches summed into one optimizer step. Costs time, not memory.",
        section="optimisation",
        low=1,
        high=65536,
    ),
    Field(
        name="max_grad_norm",
        label="Clip at",
        help="Gradients longer than this are shortened to it; 0 leaves them alone.",
        section="optimisation",
        low=0,
        high=1e6,
    ),
    Field(
        name="weight_decay",
        label="Weight decay",
        help="Pull of the adapter's weights towards 0 in each step.",
        section="optimisation",
        level="expert",
        low=0,
        high=1,
    ),
    Field(
        name="adam_beta1",
        label="Adam beta 1",
        help="Memory of the gradient's mean.",
        section="optimisation",
        level="expert",
        low=0,
        high=0.99999,
    ),
    Field(
        name="adam_beta2",
        label="Adam beta 2",
        help="Memory of the gradient's square.",
        section="optimisation",
        level="expert",
        low=0,
        high=0.99999999,
    ),
    Field(
        name="adam_epsilon",
        label="Adam epsilon",
        help="Keeps Adam's division finite.",
        section="optimisation",
        level="expert",
        low=1e-16,
        high=1,
    ),
    Field(
        name="seed",
        label="Seed",
        help="Decides the initial adapter, the order of the rows, the held-out rows and dropout.",
        section="optimisation",
        low=0,
        high=4_294_967_295,
    ),
    Field(
        name="mixed_precision",
        label="Precision",
        help="Arithmetic of the model; the adapter stays fp32. `auto` takes bf16 where the device can.",
        section="device",
        choices=("auto", "no", "bf16", "fp16"),
    ),
    Field(
        name="gradient_checkpointing",
        label="Checkpoint activations",
        help="Computes activations again in the backward pass: less memory, about a third more time.",
        section="device",
    ),
    Field(
        name="devices",
        label="Devices",
        help="`auto` (the first free GPU, or the CPU where there is none), `cpu`, or the number of a GPU.",
        section="device",
    ),
    Field(
        name="eval_steps",
        label="Evaluate every",
        help="Steps between two evaluations; 0 evaluates only before the first and after the last.",
        section="reporting",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="save_steps",
        label="Save every",
        help="Steps between two checkpoints: what a power cut can cost. 0 saves only at the end.",
        section="reporting",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="save_total_limit",
        label="Keep checkpoints",
        help="How many of the newest checkpoints stay on disk.",
        section="reporting",
        low=1,
        high=1000,
    ),
    Field(
        name="sample_steps",
        label="Sample every",
        help="Steps between two rounds of sample texts; 0 writes none.",
        section="reporting",
        unit="steps",
        low=0,
        high=100_000_000,
    ),
    Field(
        name="sample_prompts",
        label="Sample prompts",
        help="Prompts to answer while training. Left out, two of the held-out rows are used.",
        section="reporting",
    ),
    Field(
        name="sample_max_new_tokens",
        label="Sample length",
        help="Tokens of a sample text at most.",
        section="reporting",
        unit="tokens",
        low=1,
        high=4096,
    ),
)

_BY_NAME: Final = {field.name: field for field in FIELDS}


def field_named(name: str) -> Field | None:
    """The field called `name`, or None."""
    return _BY_NAME.get(name)


def nearest(name: str, names: tuple[str, ...] = tuple(_BY_NAME)) -> str | None:
    """The valid name that `name` was most likely meant to be, or None."""
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return close[0] if close else None
