"""The app's end of an estimate: the formula's answer at once, the exact one when a worker has it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from engine import packages
from engine.memory import talk
from engine.memory.answer import Answer, Change
from engine.messages import RunRow
from engine.problem import Problem
from engine.recipe import RecipeFile
from engine.text import amount, one_line
from openlora_tui.glyphs import Glyphs
from openlora_tui.session import Session, Talk
from openlora_tui.widgets.painted import Row, between

FIELDS: Final = frozenset({
    "model", "max_length", "per_device_train_batch_size", "gradient_accumulation_steps", "lora_r",
    "lora_dropout", "target_modules", "gradient_checkpointing", "mixed_precision", "load_in_4bit",
    "load_in_8bit", "optim", "method", "objective", "devices",
})  # fmt: skip
"""Fields that decide about memory: their help tells the parts."""


class Estimating:
    """One wish after another over one side job, begun anew where it has gone; news call `changed`."""

    def __init__(self, session: Callable[[], Session], changed: Callable[[], None]) -> None:
        self.answer: Answer | None = None
        """Of the recipe as it is, or as it was a moment ago; None where nothing is known of its model."""
        self._session = session
        self._changed = changed
        self._talk: Talk | None = None
        self._number = 0

    def look(self, file: RecipeFile, quick: Answer | None) -> None:
        """Show the formula's answer, and ask for the exact one."""
        self._number += 1
        self.answer = quick
        if quick is None or packages.missing_for_training():
            return
        ask = talk.Ask(number=self._number, text=file.text, path=str(file.path), past=quick.past)
        asked = talk.encode(ask)
        if self._talk is not None and self._talk.live:
            self._talk.tell(asked)
        else:
            self._talk = self._session().begin("estimate", asked, self._said, lambda problem: None)

    def end(self) -> None:
        """Let the side job go."""
        if self._talk is not None:
            self._talk.end()
            self._talk = None

    @property
    def change(self) -> Change | None:
        """The one change that makes it fit."""
        return self.answer.changes[0] if self.answer is not None and self.answer.changes else None

    def why_not(self) -> str:
        """Why there is no change to make, or nothing."""
        if self.answer is None:
            return "What the run takes of memory is not known."
        if self.answer.fits:
            return "It fits as it is."
        return "" if self.change else "No change of batch, length or checkpointing makes it fit."

    def _said(self, body: bytes) -> None:
        told = talk.told(body)
        if told.number == self._number and told.answer is not None:
            self.answer = told.answer
            self._changed()


def at_once(file: RecipeFile, rows: list[RunRow]) -> Answer | None:
    """The formula's answer, None where nothing is known; `rows` are the past runs.

    It reads small files, so it belongs into a thread.
    """
    from engine.memory import limit
    from engine.memory.experience import experience
    from engine.memory.instant import instant, priced
    from engine.recipe.places import placed
    from engine.telemetry.gpu import gpus

    try:
        recipe = placed(file)
        there = limit.there(recipe, gpus(), os.environ)
        return instant(*priced(recipe), there, past=experience(rows, recipe, there))
    except Problem:  # what is wrong with the recipe is said at its field
        return None


def row(answer: Answer, glyphs: Glyphs, width: int, key: str) -> Row:
    """The answer in a line, and the key that makes it fit."""
    low, high = answer.band if answer.corrected is None else (answer.corrected, answer.corrected)
    peak = amount(high) if low == high else between_amounts(low, high)
    sure = high <= answer.limit.bytes
    mark, role = (glyphs.status["succeeded"], "ok") if sure else (glyphs.severity["warning"], "warn")
    if low > answer.limit.bytes:
        mark, role = glyphs.severity["blocker"], "bad"
    said = Row(f"{mark} ", f"bold {role}").add("memory ", "dim").add(peak, role)
    said.add(f" of {amount(answer.limit.bytes)}", "dim")
    right = Row()
    if answer.changes:
        change = answer.changes[0]
        right.add(f"{key} ", "bright").add(f"{amount(change.peak)} with ", "dim")
        right.add(one_line(change.patch.label), "accent")
    elif answer.largest:
        right.add(f"up to {answer.largest:,} row{'s' * (answer.largest != 1)} at a time", "dim")
    elif not answer.fits:
        right.add("take a smaller model", "bad")
    return between(said, right.cut(max(width - said.width - 2, 0), glyphs.ellipsis), width)


def between_amounts(low: int, high: int) -> str:
    """Two amounts of memory with their unit once, where it is the same."""
    first, second = amount(low), amount(high)
    unit = second.rpartition(" ")[2]
    return f"{first.removesuffix(f' {unit}')} to {second}"


def parts_said(answer: Answer) -> str:
    """The parts in words, the largest first."""
    parts = sorted(answer.parts.named().items(), key=lambda part: -part[1])
    about = "" if answer.exact else "about "
    return about + ", ".join(f"{name} {amount(size)}" for name, size in parts if size >= 1 << 20)
