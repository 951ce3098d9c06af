"""Another learning rate for a run that goes on."""

from __future__ import annotations

from functools import partial
from typing import Final

from engine.problem import Problem
from engine.recipe.resuming import learning_rate_in
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.widgets.painted import Row

_SHARES: Final = (("half", 0.5), ("a third", 1 / 3), ("a tenth", 0.1))


def rate_for(state: RunState) -> Chooser:
    """A share of the present peak, or what is typed; gives the new peak as text."""
    now = f"; it is {state.peak_rate:.3g} now" if state.peak_rate else ""
    return Chooser(
        Question(
            title=f"Learning rate of {one_line(state.name, 40) or state.run}",
            prompt="the new peak, such as 1e-4",
            empty="Type a rate such as 1e-4.",
            options=partial(_options, state.peak_rate),
            typed=partial(_typed, f"The schedule goes on with it from the next step{now}."),
            about_rows=2,
            act="set",
        )
    )


def _options(peak: float) -> list[Option]:
    told = [Row("The schedule goes on with it from the next step; a resume keeps it.")]
    rates = [(f"{peak * share:.3g}", words) for words, share in _SHARES] if peak else []
    return [Option(rate, rate, about=told, help=f"{words} of {peak:.3g}") for rate, words in rates]


def _typed(told: str, text: str) -> Option | None:
    if not text.strip():
        return None
    try:
        rate = learning_rate_in({"learning_rate": text})
    except Problem as problem:
        return Option(
            text, one_line(text), refusal=problem.what, about=[Row(problem.what), Row(problem.why, "dim")]
        )
    return Option(f"{rate:g}", f"{rate:g}", about=[Row(told)], help="as typed")
