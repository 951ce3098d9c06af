"""What the steps of a mending share: how rows are read, and whose tokens are counted."""

from __future__ import annotations

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
    """

    def __init__(self, inspection: Inspection, max_length: int = 1024, seed: int = 42) -> None:
        self.max_length = max_length
        self.seed = seed
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

    def _read(self, row: Row) -> Example | None:
        return self._inspection.example(self._files[row.file], row)
