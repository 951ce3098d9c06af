"""What one run taught: enough of it to advise the next, in a few kilobytes and without its files."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.findings import Category, Patch, Severity


class ModelPrint(msgspec.Struct, frozen=True, kw_only=True):
    """What makes two base models alike."""

    name: str
    family: str = ""
    """`model_type` of its configuration."""
    parameters: int = 0
    """0 where unknown, as below."""
    layers: int = 0
    hidden: int = 0
    vocabulary: int = 0


class DataPrint(msgspec.Struct, frozen=True, kw_only=True):
    """What makes two datasets alike; tokens are those of the run's own tokenizer."""

    files: list[str] = []
    digest: str = ""
    """Of the rows and of how they were cut into training and held-out ones; empty where unknown."""
    eval_digest: str = ""
    """Of the held-out rows; runs with another one must not be compared by their losses."""
    rows: int = 0
    eval_rows: int = 0
    tokens: int = 0
    """Of one epoch."""
    label_tokens: int = 0
    form: str = ""
    """`chat` or `verbatim`."""
    template: str = ""
    """Digest of the chat template; empty where prompts stand as they are."""
    mask: str = ""
    """Digest of the held-out rows' tokens, and of which of them count."""
    tokenizer: str = ""
    """Digest of the tokenizer."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of the run, in short."""

    name: str
    """`engine.remarks.name_of`."""
    category: Category
    severity: Severity
    title: str
    step: int | None = None
    patch: Patch | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A patch that the run was begun with, and what came of it."""

    finding: str
    category: Category
    patch: Patch
    after: str
    """The run where the finding was made."""
    by: str = ""
    helped: bool | None = None
    """False where the same finding came again or the run failed; None while that is open."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What one run taught."""

    run: str
    name: str = ""
    created: float = 0.0
    updated: float = 0.0
    status: str = ""
    reason: str = ""
    parent: str | None = None
    model: ModelPrint
    data: DataPrint = DataPrint()
    hardware: str = ""
    """Name of the card, or `cpu`."""
    recipe: dict[str, Any] = {}
    """Every field that decided it, defaults included, without paths of output."""
    steps: int = 0
    planned: int = 0
    epochs: float = 0.0
    loss: float | None = None
    """Mean of the last ten steps, in nats a token."""
    eval_loss: float | None = None
    """The best on the held-out rows."""
    first_eval_loss: float | None = None
    """Before the first step."""
    eval_noise: float | None = None
    """Standard deviation of the held-out loss between neighbouring evaluations; None where unknown."""
    seconds: float = 0.0
    tokens_per_second: float = 0.0
    predicted_memory: int = 0
    peak_memory: int = 0
    """Bytes; 0 where unknown."""
    evaluation: dict[str, float] = {}
    """What was last measured on the held-out rows beside the loss, by name."""
    findings: list[Seen] = []
    attempts: list[Attempt] = []
    dismissed: list[str] = []
    """Names of the findings that a person put aside."""
    tags: list[str] = []
    note: str = ""
    forgotten: bool = False
    """True where a person wished that it counts no more."""
    deleted: bool = False
    imported: str = ""
    """Where it came from, if not from a run of this home."""
