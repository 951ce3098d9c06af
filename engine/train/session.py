"""All that a run has in its hands."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from engine.data.prepare import Prepared
from engine.data.tokenizer import ModelTokenizer
from engine.job import Job
from engine.model.context import context_of
from engine.rate_range import KIND
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import PACKED, PADDED, Collator
from engine.train.batches.feed import Feed, Position, planned_steps
from engine.train.guard.course import Course
from engine.train.guard.ledger import Ledger
from engine.train.guard.movement import Movement
from engine.train.journal import Journal
from engine.train.listening import Listener
from engine.train.looking.patience import Patience
from engine.train.looking.range_test import RangeTest
from engine.train.machine import Machine
from engine.train.methods import adapter
from engine.train.model.proof import embedding_rows
from engine.train.model.student import Student
from engine.train.objectives.choice import objective_of
from engine.train.optimizers.groups import groups_of
from engine.train.optimizers.guarded import GuardedOptimizer
from engine.watch.point import Mechanism
from engine.watch.watch import watch_of

_RISES: Final[frozenset[Mechanism]] = frozenset({"spike", "exploding"})
"""What the rising rate of a range test does in the end."""


class Session:
    """A run between two of its steps.

    Attributes:
        step: optimizer steps done, those that were passed over included.
        course: where the run has left its recipe.
        position: rows done.
        steps: optimizer steps of the whole run.
        budget: tokens of a micro-batch at most, padding included; `eval_budget` of one on held-out rows.
        best: lowest loss on the held-out rows so far; `eval_loss` is the last one.
        proved: true where this device has held the run before it was resumed.
        checkpoint_bytes: size of the last checkpoint, 0 before there is one.
        measured, shown, saved: the step at which each was done last.
    """

    def __init__(
        self,
        job: Job,
        journal: Journal,
        listener: Listener,
        machine: Machine,
        tokenizer: ModelTokenizer,
        data: Prepared,
        student: Student,
        recipe: Recipe,
    ) -> None:
        self.job, self.recipe = job, recipe
        self.journal, self.listener, self.machine = journal, listener, machine
        self.tokenizer, self.data, self.student = tokenizer, data, student
        context = context_of(tokenizer.folder)
        self.context = None if context is None else context - student.laid.tokens_before
        # A pad token that was added without a row in the table is never looked at, so any id will do.
        pad = tokenizer.pad if tokenizer.pad < embedding_rows(student.peft) else 0
        self.objective = objective_of(recipe)
        layout = PACKED if student.packs else PADDED
        self.collator = Collator(data.train, pad, machine.device, layout)
        self.held_out = Collator(data.eval, pad, machine.device, layout) if data.eval else None
        self.feed = Feed(len(data.train), recipe.batch_rows * machine.world, recipe.seed)
        self.steps = planned_steps(self.feed, recipe.num_train_epochs, recipe.max_steps)
        self.eval_budget = self.budget = recipe.per_device_train_batch_size * recipe.max_length
        self.optimizer = GuardedOptimizer(groups_of(student.peft, recipe), recipe, machine.device)
        if machine.precision == "fp16":
            self.optimizer.scale_for_fp16()
        guessed = embedding_rows(student.peft) if recipe.objective == "sft" else 0
        self.course = Course.read(job.checkpoints, recipe)
        self.ledger = Ledger(
            journal,
            scaled=self.optimizer.scaler is not None,
            watch=watch_of(vocabulary=guessed, steps=self.steps),
            movement=Movement([(n, p) for n, p in student.peft.named_parameters() if p.requires_grad]),
            place=self.named,
            expected=_RISES if self.tests_rates else frozenset(),
        )
        self.initial = adapter.fingerprint(adapter.tensors(student.peft))
        self.data_digest = data.train.digest()
        self.day = ""
        self.step, self.position = 0, Position()
        self.best: float | None = None
        self.rates = RangeTest()
        self.patience = Patience(recipe.early_stopping_patience, recipe.early_stopping_threshold)
        self.eval_loss: float | None = None
        self.checkpoint_bytes = 0
        self.proved = False
        self.measured = self.shown = self.saved = -1
        self._since = time.monotonic()

    def named(self, row: int) -> tuple[str, str]:
        """`file:line` of a training row, and how it begins."""
        data = self.data.train
        return data.source(row), self.tokenizer.preview(data.row(row)[0], 60)

    @property
    def enough(self) -> bool:
        """True once nothing is gained by the steps that are left: early stopping, or a range test is over."""
        return self.patience.out or (self.tests_rates and self.rates.over(self.step, self.ledger.losses))

    @property
    def tests_rates(self) -> bool:
        """True for a run that looks for a learning rate, and whose adapter is worth nothing."""
        return self.recipe.lr_scheduler_type == KIND

    @property
    def epoch(self) -> float:
        """Epochs done, with the share of the current one."""
        return self.position.epoch + self.position.seen / self.feed.rows

    def count_step(self) -> None:
        """One more step is done, for the loop and for what it tells."""
        self.step += 1
        self.journal.step = self.step

    @contextmanager
    def apart(self, doing: str) -> Iterator[None]:
        """Something else than a step, whose time does not count as the step's."""
        self._since += self.listener.taken()
        began = time.monotonic()
        before = self.journal.doing
        self.journal.phase(doing)
        yield
        self.journal.phase(before)
        self.listener.taken()  # what was paused meanwhile is part of what was done apart
        self._since += time.monotonic() - began

    def lap(self) -> float:
        """Seconds of the step that ends now, without pauses and what was done apart."""
        now = time.monotonic()
        seconds = now - self._since - self.listener.taken()
        self._since = now
        return max(seconds, 0.0)


def recipe_digest(recipe: Recipe) -> str:
    """A hash of all that the recipe says."""
    return hashlib.blake2b(msgspec.json.encode(recipe), digest_size=16).hexdigest()
