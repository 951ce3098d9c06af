"""What is known before a recipe is recommended: the model, the rows, the memory."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.findings import Finding
from engine.inspection.lengths import Lengths
from engine.lessons.alike import Fingerprint
from engine.lessons.fingerprints import model_print
from engine.lessons.lesson import DataPrint, ModelPrint
from engine.memory.formula import predicted
from engine.memory.limit import Limit
from engine.recipe.recipe import Recipe

_LEARNT_PAIR: Final = 2
"""Sides of a pair."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The model, the rows and the memory that a recipe is for."""

    recipe: Recipe
    """What is there already, its paths absolute."""
    kept: frozenset[str] = frozenset()
    """Fields that a person has decided."""
    config: dict[str, Any] = {}
    """The model's configuration; empty where nothing is known of it."""
    context: int | None = None
    """Positions that the model was made for."""
    rows: int | None = None
    """Rows in all, those that are held out included; None where they are not known."""
    lengths: Lengths = msgspec.field(default_factory=Lengths)
    """Tokens of the rows that were looked at; empty without a tokenizer."""
    share: float = 1.0
    """Rows that were looked at among all, above 0."""
    form: str = ""
    """`chat` or `verbatim`; empty where unknown."""
    shape: str | None = None
    """Shape of the rows, as an inspection names it."""
    pairs: bool = False
    """The rows are answers to compare."""
    findings: list[Finding] = []
    """What was found in the data."""
    limit: Limit | None = None

    @property
    def model(self) -> ModelPrint:
        """What makes the base model alike to others."""
        return model_print(self.recipe.model, self.config)

    @property
    def has_tokens(self) -> bool:
        """True where the rows' tokens were counted."""
        return bool(self.lengths.rows or self.lengths.documents or self.lengths.streams)

    @property
    def is_text(self) -> bool:
        """True where texts are learnt whole, in windows where they are long."""
        return bool(self.lengths.documents or self.lengths.streams)

    def learnt(self, max_length: int) -> int:
        """Tokens of an epoch that are learnt, over all rows."""
        lengths = self.lengths
        answers = lengths.truncated_answer_tokens(0) - lengths.truncated_answer_tokens(max_length)
        texts = sum(lengths.streams) + sum(tokens * rows for tokens, rows in lengths.documents.items())
        return round((answers + texts) / self.share) * (_LEARNT_PAIR if self.pairs else 1)

    def tokens(self) -> int:
        """Tokens of an epoch, prompts included."""
        return round(self.lengths.total / self.share)

    def rows_at(self, max_length: int) -> int | None:
        """Rows of an epoch; of texts the windows of `max_length` tokens."""
        if self.is_text:
            return round(sum(self.lengths.counts(max_length).values()) / self.share)
        return self.rows

    def trained(self, recipe: Recipe) -> int | None:
        """Rows that are left to learn from when some are held out."""
        rows = self.rows_at(recipe.max_length)
        if rows is None or recipe.eval_entries:
            return rows
        return max(rows - round(rows * recipe.eval_split), 1)

    def steps(self, recipe: Recipe) -> int | None:
        """Optimizer steps of a run; None where the rows are not known."""
        if recipe.max_steps > 0:
            return recipe.max_steps
        rows = self.trained(recipe)
        return None if rows is None else max(round(rows * recipe.num_train_epochs / recipe.step_rows), 1)

    def capacity(self, recipe: Recipe) -> int | None:
        """Parameters that an adapter of rank 1 has; None where nothing is known of the model."""
        rank = msgspec.structs.replace(recipe, lora_r=1)
        parts = predicted(rank, self.config, cuda=False) if self.config else None
        return None if parts is None else parts.adapter // 4

    def fingerprint(self) -> Fingerprint:
        """By what past runs are alike to this."""
        recipe = self.recipe
        rows = self.trained(recipe) or 0
        limit = self.limit
        return Fingerprint(
            model=self.model,
            data=DataPrint(
                files=[str(entry) for entry in recipe.data_entries],
                rows=rows,
                tokens=self.tokens(),
                label_tokens=self.learnt(self.context or recipe.max_length),
                form=self.form,
            ),
            hardware="" if limit is None else limit.name if limit.cuda else "cpu",
            objective="dpo" if self.pairs and recipe.objective == "sft" else recipe.objective,
            method=recipe.method,
        )
