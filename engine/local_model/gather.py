"""What is known when a question is asked, read from the run's own files; the line carries no curves."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.advisor.answer import step_in
from engine.advisor.known import Known
from engine.eaten.told import Eaten
from engine.event_log import EventReader
from engine.local_model.talk import Question
from engine.problem import Problem
from engine.recipe.yaml import RecipeFile, parse, read
from engine.run_dir import RunDir, is_run
from engine.run_state import RunState, fold


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What a question is answered from."""

    known: Known
    recipe: RecipeFile | None = None
    """With its text, so that a change to it can be tried."""
    console: list[str] = []
    """The last lines of the console of a run that failed."""


class Gatherer:
    """Reads a run on from where the question before left it.

    Args:
        root: the home.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._run = ""
        self._state = RunState()
        self._reader: EventReader | None = None

    def gather(self, question: Question) -> Gathered:
        """What is known of what `question` is about.

        Raises:
            Problem: there is no such run.
        """
        directory = self._directory(question.run)
        state = self._folded(directory) if directory is not None else None
        recipe = _recipe(question, directory)
        known = Known(
            state=state,
            findings=question.findings,
            lessons=question.lessons,
            recipe=recipe.recipe if recipe is not None else None,
            step=question.step,
        )
        step = step_in(question.text, known)
        if directory is not None and step is not None:
            known = msgspec.structs.replace(known, eaten=_eaten(directory, step))
        failed = directory is not None and state is not None and state.status == "failed"
        console = directory.console_tail() if directory is not None and failed else []
        return Gathered(known=known, recipe=recipe, console=console)

    def _directory(self, run: str) -> RunDir | None:
        if not run:
            return None
        directory = RunDir(self._root, run) if is_run(run) else None
        if directory is None or not directory.exists:
            raise Problem(f"There is no run {run}.", do="`openlora runs` lists them.")
        return directory

    def _folded(self, directory: RunDir) -> RunState:
        if self._reader is None or self._run != directory.run:
            self._run, self._state = directory.run, RunState()
            self._reader = EventReader(directory.events)
        return fold(self._reader, self._state)


def _recipe(question: Question, directory: RunDir | None) -> RecipeFile | None:
    """The recipe at hand; None where there is none, or it cannot be read as it is."""
    try:
        if question.recipe:
            return parse(question.recipe)
        return read(directory.recipe) if directory is not None else None
    except Problem:
        return None


def _eaten(directory: RunDir, step: int) -> Eaten | None:
    """The rows of the step; None where they cannot be told, which is no reason not to answer."""
    from engine.eaten.look import Kitchen  # reads data, which few questions need

    try:
        return Kitchen(directory).eaten(step)
    except (Problem, OSError, ValueError):
        return None
