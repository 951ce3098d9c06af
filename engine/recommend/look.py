"""Looks at a recipe's model and rows for as long as a person waits, as the check before a run does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from engine.data.shapes import CHATS
from engine.memory import limit as limits
from engine.memory.catalogue import config_of
from engine.memory.limit import Limit
from engine.model.context import context_in
from engine.preflight.data import DataLook
from engine.preflight.subject import Subject
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.recommend.situation import Situation
from engine.telemetry.gpu import gpus

_PAIRS: Final = "preference"


class Looking:
    """One look; `steps` does the work in pieces, `situation` tells what is known.

    Args:
        recipe: its paths absolute; what is at a default may be recommended otherwise.
        kept: fields that a person has decided.
        memory: of a card that is to be assumed, as `--gpu-memory` takes it; empty for this machine.

    Raises:
        Problem: `memory` is no amount, or a card that the recipe names is not there.
    """

    def __init__(
        self,
        recipe: Recipe,
        kept: frozenset[str] = frozenset(),
        memory: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._kept = kept
        self._cards = gpus()
        self._env = os.environ if env is None else env
        self._limit = self._bound(recipe, memory)
        self._config = config_of(recipe.model, recipe.model_revision, env) or {}
        self._recipe = recipe
        self._look = self._opened(recipe)

    def steps(self, seconds: float | None = None) -> Iterator[float]:
        """Look at the rows, for about `seconds`; each yield is how much is done, 0 to 1."""
        end = time.monotonic() + seconds if seconds is not None else None
        yield 0.0
        if self._look.train.report().format is None:
            next(self._look.steps(), None)
        if self._pairs and not self._recipe.paired:
            # Pairs are read as such from here on: both sides count, and the loss compares them.
            self._recipe = replace(self._recipe, objective="dpo")
            self._look = self._opened(self._recipe)
        for share in self._look.steps():
            yield share
            if end is not None and time.monotonic() > end:
                return

    def situation(self) -> Situation:
        """What is known now.

        Raises:
            Problem: the data cannot be read at all.
        """
        report = self._look.train.report()
        if report.problem is not None and not report.rows:
            said = report.problem
            raise Problem(said["what"], where=said["where"], why=said["why"], do=said["do"])
        rows = max(report.examples - len(report.losses.empty), 0)
        looked = 1.0 if report.done else min(max(report.surveyed, 1e-6), 1.0)
        counted = looked
        if report.counted and not report.done and rows:
            counted = min(looked * report.tokenised / rows, 1.0)
        return Situation(
            recipe=self._recipe,
            kept=self._kept,
            config=self._config,
            context=context_in(self._config) if self._config else None,
            rows=round(rows / looked) if rows else None,
            lengths=report.lengths,
            share=counted if report.counted else looked,
            form="chat" if report.format in CHATS else "verbatim",
            shape=report.format,
            pairs=self._pairs,
            findings=list(self._look.findings()),
            limit=self._limit,
        )

    @property
    def _pairs(self) -> bool:
        decided = self._recipe.objective if "objective" in self._kept else ""
        return self._look.train.report().format == _PAIRS and decided != "sft"

    def _opened(self, recipe: Recipe) -> DataLook:
        # Rows are counted whole: how long they may be is to be recommended.
        return DataLook(Subject(replace(recipe, max_length=1 << 20), self._cards, self._env))

    def _bound(self, recipe: Recipe, memory: str) -> Limit | None:
        if memory:
            return limits.given(memory)
        return limits.there(recipe, self._cards, self._env)
