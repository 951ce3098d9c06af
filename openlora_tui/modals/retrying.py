"""With what a run that has ended is tried again: the remedies, the most promising first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from engine.lessons.lesson import Lesson
from engine.problem import Problem
from engine.repair.choose import Choice, choices
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_WIDTH: Final = 68
_LINES: Final = 3


class Retrying(Chooser):
    """Gives the number of the remedy in `found`, which is filled when it is shown.

    Args:
        state: how the run ended.
        lessons: what all runs taught.
        home: where the runs lie.
    """

    def __init__(self, state: RunState, lessons: Sequence[Lesson], home: str) -> None:
        self.found: list[Choice] = []
        directory = RunDir(Path(home), state.run)
        super().__init__(
            Question(
                title=f"Try {one_line(state.name, 40) or state.run} again with",
                prompt="filter",
                empty="Nothing is known that would mend this run by itself; a shows what is known of it.",
                options=partial(self._options, directory, state, lessons),
                typed=lambda text: None,
                about_rows=2 + _LINES,
                act="begin it",
            )
        )

    def _options(self, directory: RunDir, state: RunState, lessons: Sequence[Lesson]) -> list[Option]:
        try:
            self.found = choices(directory, state, lessons, state.remarks.tried)
        except Problem as problem:
            return [Option("", problem.what, refusal=problem.what)]
        return [_option(number, choice) for number, choice in enumerate(self.found)]


def _option(number: int, choice: Choice) -> Option:
    begins = f"goes on from step {choice.step:,}" if choice.step else "begins anew"
    about = [Row(f"A linked run {begins}; this one stays as it is.")]
    about += [Row(choice.known[:1].upper() + choice.known[1:] + ".", "warn")] if choice.known else []
    about += [Row(line, "dim") for line in wrapped(one_line(choice.finding.title, 300), _WIDTH)[:_LINES]]
    return Option(str(number), one_line(choice.patch.label, 60), str(choice.record), about)
