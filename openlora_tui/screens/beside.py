"""Gathers runs from the engine and lays them side by side; disk and parsing in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.lessons.compare import compared
from engine.lessons.learn import lesson_of
from engine.lessons.lesson import Lesson
from engine.lessons.why import why
from engine.run_dir import RunDir
from engine.run_state import RunState
from openlora_tui.modals.comparison import ComparisonView
from openlora_tui.session import Session

_TWO = 2


def gather(
    session: Session, runs: Sequence[str], then: Callable[[list[RunState], list[Lesson]], None]
) -> None:
    """Give `then` the states of the runs, in their order, and what all past runs taught."""
    found: dict[str, RunState] = {}

    def came(state: RunState) -> None:
        found[state.run] = state
        if len(found) == len(runs):
            session.recall(lambda lessons: then([found[run] for run in runs], lessons))

    for run in runs:
        session.glance(run, came)


async def laid_out(home: str, states: Sequence[RunState], lessons: Sequence[Lesson]) -> ComparisonView:
    """The dialogue that shows them."""

    def look() -> ComparisonView:
        runs = [lesson_of(state, RunDir(Path(home), state.run)) for state in states]
        explained = why(runs[0], runs[1], lessons) if len(runs) == _TWO else None
        return ComparisonView(compared(runs), states, explained)

    return await asyncio.to_thread(look)
