"""What a recipe holds, with its defaults; the table beside it says what each field means."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.leases.asked import asked
from engine.mapping.mapping import Mapping
from engine.sources.entry import Entry, entries_of

PAIRED: Final = ("dpo", "orpo")
"""Objectives that compare two answers to a prompt."""

RATE_FOR_PAIRS: Final = 5e-6
"""Learning rate of LLaMA-Factory's and of the Alignment Handbook's LoRA recipes for preferences."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a run; names are those of Hugging Face and PEFT.

    Paths are as written: relative ones are meant from the recipe's folder (`resolved` does that).
    """

    model: str
    data: str | Entry | list[str | Entry]

    model_revision: str | None = None
    trust_remote_code: str | None = None
    run_name: str | None = None
    output_dir: str | None = None
    eval_data: str | Entry | list[str | Entry] | None = None
    eval_split: float = 0.05
    data_format: str = "auto"
    mapping: Mapping | None = None
    bad_rows: str = "stop"
    chat_template: str | None = None
    max_length: int = 1024
    truncation: str = "cut"
    train_on: str = "answers"
    tokenize_turns: str = "together"

    objective: str = "sft"
    beta: float = 0.1
    loss_type: str = "sigmoid"

    method: str = "lora"
    lora_r: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    target_modules: str | list[str] = "all-linear"
    use_rslora: bool = False
    use_dora: bool = False
    init_lora_weights: str = "default"
    loraplus_lr_ratio: float = 1.0
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    layers_to_transform: list[int] = []
    exclude_modules: str | list[str] = []
    modules_to_save: list[str] = []
    num_virtual_tokens: int = 20
    adapter: str | None = None
    merge_adapter: bool = False

    learning_rate: float = 2e-4
    lr_scheduler_type: str = "cosine"
    warmup_ratio: float = 0.03
    restart_step: int = 0
    num_train_epochs: float = 3.0
    max_steps: int = -1
    per_device_train_batch_size: int = 4
    gradient_accumulation_steps: int = 4
    max_grad_norm: float = 1.0
    weight_decay: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    optim: str = "adamw_torch"
    neftune_noise_alpha: float = 0.0
    on_divergence: str = "stop"
    on_failure: str = "stop"
    repair_attempts: int = 3
    repair_budget: float = 0.0
    seed: int = 42

    mixed_precision: str = "auto"
    gradient_checkpointing: bool = False
    attn_implementation: str = "auto"
    load_in_4bit: bool = False
    bnb_4bit_quant_type: str = "nf4"
    bnb_4bit_use_double_quant: bool = True
    load_in_8bit: bool = False
    devices: str | int | list[int | str] = "auto"
    fsdp: str = "auto"

    eval_steps: int = 50
    save_steps: int = 100
    save_total_limit: int = 2
    load_best_model_at_end: bool = False
    early_stopping_patience: int = 0
    early_stopping_threshold: float = 0.0
    sample_steps: int = 50
    sample_prompts: list[str] = []
    sample_max_new_tokens: int = 64

    @property
    def data_entries(self) -> list[Entry]:
        """The training data as a list, however it was written."""
        return entries_of(self.data)

    @property
    def eval_entries(self) -> list[Entry]:
        """The held-out data as a list, empty where rows of the training data are held out."""
        return entries_of(self.eval_data)

    @property
    def takes_best(self) -> bool:
        """True where the adapter is to be that of the lowest evaluation loss."""
        return self.load_best_model_at_end or self.early_stopping_patience > 0

    @property
    def paired(self) -> bool:
        """True where a row is a pair of a chosen and a rejected answer."""
        return self.objective in PAIRED

    @property
    def tokens_before(self) -> int:
        """Learnt tokens that stand before each row."""
        return self.num_virtual_tokens if self.method in ("prompt", "prefix") else 0

    @property
    def step_rows(self) -> int:
        """Rows of one optimizer step on all devices that the recipe asks for."""
        return self.batch_rows * asked(self.devices).count

    @property
    def batch_rows(self) -> int:
        """Rows of one optimizer step on one device."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps
