"""The vocabulary of findings: what a check or a diagnosis says, and the patch that would mend it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

Category = Literal[
    "oom",
    "oom_at_checkpoint_or_eval",
    "nan_or_inf",
    "loss_zero",
    "loss_spike_divergence",
    "loss_not_decreasing",
    "overfit_memorising",
    "truncation",
    "template_or_special_tokens",
    "padding_token",
    "never_stops_generating",
    "garbage_after_training",
    "target_modules_not_found",
    "no_trainable_params_or_grad",
    "dtype_mismatch",
    "device_mismatch",
    "quantization_backend",
    "bf16_unsupported",
    "tokenizer_vocab_resize",
    "dataset_format",
    "dataset_encoding_or_parse",
    "empty_or_tiny_dataset",
    "checkpoint_resume",
    "merge_mismatch",
    "gguf_export",
    "save_or_disk",
    "distributed_launch",
    "hub_auth_or_gated",
    "cuda_driver_or_arch",
    "hang_or_slow",
    "dependency_version",
    "other",
    "duplicates",
    "leakage",
    "imbalance",
    "pii",
    "placeholder",
    "quality",
    "hyperparameter",
    "rank_sufficiency",
    "history",
]
Severity = Literal["blocker", "warning", "note"]

SEVERITIES: Final[tuple[Severity, ...]] = ("blocker", "warning", "note")


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """A change to a recipe or to a dataset that a person can apply with one key."""

    label: str
    """What the key would say, such as `learning_rate 2e-4 -> 1e-4`."""
    recipe: dict[str, Any] = {}
    """Recipe fields and their new values."""
    data: list[str] = []
    """What `openlora inspect --apply` is told, such as `drop=placeholder`; it writes a new dataset."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check or a diagnosis says about a run, a recipe or a dataset."""

    category: Category
    severity: Severity
    title: str
    """One line, the fact."""
    confidence: float = 1.0
    """From 0 to 1; 1 for what was counted or measured."""
    evidence: list[str] = []
    """Numbers, rows and log lines that a reader can check."""
    cause: str = ""
    remedy: str = ""
    patch: Patch | None = None
    step: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] | None = None
    """Optimizer step at which it was seen, if it has one."""
    count: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] | None = None
    """Rows that it is about, where it is about rows."""
    share: float | None = None
    """Those rows among all that were looked at, 0 to 1."""
    places: list[str] = []
    """`file:line` of the first of those rows."""
    check: str = ""
    """What found it, as in `drop=NAME`: by this all of its rows can be asked for, and it can be dismissed."""
