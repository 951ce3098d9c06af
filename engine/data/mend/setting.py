"""What the steps of a mending share: how rows are read, and whose tokens are counted."""

from __future__ import annotations

from collections import deque
from functools import partial

from engine.data.again import back, taken
from engine.data.checks.leakage import Leakage
from engine.data.checks.prompts import CONFLICTS, Prompts
from engine.data.inspect import Inspection
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Example
from engine.data.tokenizer import ModelTokenizer
from engine.problem import Problem


class Setting:
    """Reads rows as the inspection of the same files does, and so as training does.

    Args:
        inspection: of the files that are mended; it need not have looked at them yet.
        max_length: tokens after which training cuts a row.
        seed: decides every draw.
        held: of the evaluation data, which need not have been looked at either.
    """

    def __init__(
        self,
        inspection: Inspection,
        max_length: int = 1024,
        seed: int = 42,
        held: Inspection | None = None,
    ) -> None:
        self.max_length = max_length
        self.seed = seed
        self._held = held
        self._inspection = inspection
        self._files = {str(index.path): number for number, index in enumerate(inspection.indices)}

    def example(self, row: Row) -> Example | None:
        """A row as training reads it; None where it has no answer, or training would refuse it."""
        try:
            return self._read(row)
        except Refusal:
            return None

    def understood(self, row: Row) -> bool:
        """True where training would not refuse the row."""
        try:
            self._read(row)
        except Refusal:
            return False
        return True

    def tokenizer(self, word: str) -> ModelTokenizer:
        """The model's tokenizer.

        Raises:
            Problem: no model is named, and the step `word` needs one.
        """
        if self._inspection.tokenizer is None:
            raise Problem(
                f"{word} counts tokens, and no model is named.",
                where=f"--apply {word}",
                do="Name the model: --model FOLDER, or a hub id.",
            )
        return self._inspection.tokenizer

    def leaked(self, check: str) -> frozenset[str]:
        """The places of the rows that give evaluation data away, as the check of that name has it.

        Raises:
            Problem: no evaluation data is named.
        """
        if self._held is None:
            raise Problem(
                f"drop={check} compares rows with evaluation data, and none is named.",
                where=f"--apply drop={check}",
                do="Name the evaluation data: --eval FILE.",
            )
        data = self._inspection
        leakage = Leakage(
            partial(taken, data), partial(back, data), partial(taken, self._held), partial(back, self._held)
        )
        deque(leakage.steps(), 0)
        rows = back(data, leakage.numbers(check) or ())
        return frozenset(row.where for _, row, _ in rows)

    def conflicting(self) -> frozenset[str]:
        """The places of rows that ask the same and have different labels."""
        data = self._inspection
        prompts = Prompts(partial(back, data))
        for seen in taken(data):
            prompts.add(seen)
        deque(prompts.steps(), 0)
        return frozenset(row.where for _, row, _ in back(data, prompts.numbers(CONFLICTS) or ()))

    def _read(self, row: Row) -> Example | None:
        return self._inspection.example(self._files[row.file], row)
