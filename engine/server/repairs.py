"""What follows a failure: a linked run that may mend it, or a queue that is held back from the same end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from engine import events as ev
from engine import room
from engine.findings import Patch
from engine.lessons.learn import lesson_of
from engine.lessons.lesson import Lesson
from engine.messages import JobContext
from engine.problem import WORK_FAILED, Problem
from engine.recipe import Recipe, read
from engine.recipe.yaml import override
from engine.remarks import Followed, Tried
from engine.repair import begin
from engine.repair.cause import causes
from engine.repair.choose import Choice, by_itself, choices, chosen
from engine.repair.spreading import Work, spreads
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.server.floor import Floor
from engine.server.live import LiveRun
from engine.server.queue import WAITS
from engine.store import Store

_ENGINE: Final = "engine"
_LESSONS: Final = 500
"""Lessons that are looked at, the newest ones: reading them takes some milliseconds."""
_HUNG: Final = 300.0
"""Seconds without a movement after which a run that may be repaired is ended: five times what is told of."""
_HUNG_STEPS: Final = 30.0
"""And never before this many of its usual steps."""
_HUNG_BESIDE: Final = 3600.0
"""Seconds beside the steps: loading a large model or evaluating many rows tells nothing for long."""


class Repairs:
    """Looks at every run that ends, and after those that may be repaired."""

    def __init__(self, root: Path, store: Store, floor: Floor) -> None:
        self._root = root
        self._store = store
        self._floor = floor

    def after(self, live: LiveRun) -> None:
        """A run has ended: mend it where its recipe says so, and hold back what would end alike.

        Raises:
            OSError: the disk has no room for what is to be written; it is asked for again.
        """
        if live.state.status != "failed":
            return
        try:
            self._after(live)
        except Problem as problem:
            logging.warning("run %s is not repaired: %s", live.run, problem)
        except Exception as error:
            if room.refusal(error) is not None:
                raise
            logging.exception("run %s is not repaired", live.run)

    def retry(
        self, directory: RunDir, context: JobContext | None, by: str, patch: Patch | None,
        typed: Mapping[str, str],
    ) -> tuple[str, str]:  # fmt: skip
        """Begin a linked run at someone's word: its id, and what is changed in it.

        Args:
            directory: of the run that has ended.
            context: the job's surroundings; those of the run that failed where there are none.
            by: the front end that asks.
            patch: what is to be changed, None for what promises most.
            typed: recipe fields that a person typed beside it.

        Raises:
            Problem: nothing is known that would mend it, or the recipe does not take the change.
        """
        state = self._store.index(directory.run)
        lessons = self._lessons(state)
        choice = chosen(directory, state, lessons, patch, _typed(directory, typed))
        choice = choice or _nothing(directory, state)
        made = self._begin(directory, state, choice, context or directory.context(), by)
        return made.run, choice.said

    def tend(self, runs: Iterable[LiveRun]) -> None:
        """End runs that hang, and those that have used up what their repair may cost."""
        for live in runs:
            if live.device is None or live.fetching or live.killed or live.elsewhere:
                continue
            try:
                live.recipe = (
                    live.recipe or read(live.directory.recipe).recipe
                )  # an adopted one's was not read
            except Problem:
                continue
            if live.recipe.on_failure == "repair":
                self._tend(live, live.recipe)

    def _tend(self, live: LiveRun, recipe: Recipe) -> None:
        beat, state = live.state.heartbeat, live.state
        steps = state.phase == "training"
        known = steps and state.step_seconds > 0  # before the first step nobody knows how long one takes
        limit = max(_HUNG, _HUNG_STEPS * state.step_seconds) if known else _HUNG_BESIDE
        if beat is not None and beat.quiet > limit and state.status == "running":
            logging.warning("run %s hangs: nothing has moved for %.0f s", live.run, beat.quiet)
            live.kill()
            live.killed, live.hung = False, True
            return
        limited = recipe.repair_budget > 0 and state.remarks.tried and state.status == "running"
        if limited and begin.hours(begin.chain(state, self._known)) > recipe.repair_budget:
            self._floor.stop(live, "repair_budget")

    def _after(self, live: LiveRun) -> None:
        recipe = read(live.directory.recipe).recipe
        if recipe.on_failure == "repair" and begin.was_queued(live.directory):
            self._mend(live, recipe)
        self._hold_back(live, recipe)

    def _mend(self, live: LiveRun, recipe: Recipe) -> None:
        state, directory = live.state, live.directory
        ended = state.outcome.t if state.outcome is not None else state.updated
        if state.remarks.followed is not None and state.remarks.followed.t >= ended:
            return
        run = begin.already(directory, ended)
        text = self._why_not(state, recipe) if not run else "it was begun before the engine ended"
        if not run and not text:
            lessons = self._lessons(state)
            choice = by_itself(choices(directory, state, lessons, self._tried(state)))
            text = choice.said if choice is not None else "nothing is known that would mend it by itself"
            if choice is not None:
                run = self._begin(directory, state, choice, live.context, _ENGINE).run
        self._floor.note(live, Followed(run=run, text=text))

    def _why_not(self, state: RunState, recipe: Recipe) -> str:
        done = begin.attempts(state)
        if done >= recipe.repair_attempts:
            return f"repair_attempts: {done} repairs were tried, and no more are"
        spent = begin.hours(begin.chain(state, self._known))
        if 0 < recipe.repair_budget <= spent:
            return f"repair_budget: its repairs have taken {spent:.2g} hours"
        return ""

    def _begin(
        self, directory: RunDir, state: RunState, choice: Choice, context: JobContext | None, by: str
    ) -> RunDir:
        if context is None:
            raise Problem(f"Run {state.run} does not tell where it ran.", do="Start its recipe anew.")
        queued = ev.Queued(reason=WAITS, place=self._floor.queue.last_place)
        made = begin.begin(directory, state, choice, context, queued, by)
        logging.info("run %s mends run %s: %s", made.run, state.run, choice.said)
        self._floor.add(made, begin.without_struck(context, directory))
        return made

    def _hold_back(self, live: LiveRun, recipe: Recipe) -> None:
        """Hold the waiting runs that the same cause would end."""
        waiting = [one for one in self._floor.queue.waiting() if one.run != live.run and not one.state.held]
        if not waiting:
            return
        found = causes(live.directory, live.state)
        failed = Work(live.context, recipe, live.directory.path)
        for other in waiting:
            theirs = other.recipe or read(other.directory.recipe).recipe
            reason = spreads(found, failed, Work(other.context, theirs, other.directory.path))
            if reason:
                self._floor.queue.hold_back(other, f"held, as it would fail like run {live.run}: {reason}")

    def _lessons(self, state: RunState) -> list[Lesson]:
        """The newest lessons, and those of this run's own chain, which may not be written down yet."""
        own = begin.chain(state, self._known)
        fresh = [lesson_of(one, RunDir(self._root, one.run)) for one in own]
        runs = {one.run for one in own}
        return [*fresh, *(one for one in self._store.lessons.page(0, _LESSONS) if one.run not in runs)]

    def _tried(self, state: RunState) -> list[Tried]:
        return [one for run in begin.chain(state, self._known) for one in run.remarks.tried]

    def _known(self, run: str) -> RunState | None:
        return self._store.state(run)


def _typed(directory: RunDir, typed: Mapping[str, str]) -> Patch | None:
    """What a person typed for fields of the recipe, as a patch; raises Problem where it does not fit."""
    if not typed:
        return None
    before = read(directory.recipe)
    after = override(before, typed)
    names = [name.partition(".")[0] for name in typed]
    values = {name: getattr(after.recipe, name) for name in names}
    label = ", ".join(f"{name}={text}" for name, text in typed.items())
    return Patch(label=label, recipe=values)


def _nothing(directory: RunDir, state: RunState) -> Choice:
    if not state.created:
        raise Problem(f"Run {state.run} cannot be tried again.", why=state.reason, exit_status=WORK_FAILED)
    first = next(iter(causes(directory, state)), None)
    if first is None:
        raise Problem(
            f"Run {state.run} shows nothing that wants mending.",
            do=f"`openlora runs retry {state.run} --set NAME=VALUE` begins it again with another value.",
            exit_status=WORK_FAILED,
        )
    raise Problem(
        f"Nothing is known that would mend run {state.run} by itself: {first.title}",
        why=first.cause,
        do=first.remedy or "`openlora advise` says more.",
        exit_status=WORK_FAILED,
    )
