"""Makes the linked run: a recipe with a change, from the last good checkpoint of the run that failed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from engine import events as ev
from engine import faults
from engine.event_log import EventReader
from engine.lineage import first_event
from engine.messages import JobContext
from engine.recipe.yaml import changed, read
from engine.remarks import Tried, name_of
from engine.repair.choose import Choice, places
from engine.repair.saved import take_over
from engine.run_dir import RunDir, all_runs
from engine.run_state import RunState

_PINS: Final = ("model.json", "datasets.json")
"""Which model and datasets of the hub the run was bound to."""
_FIRST: Final = 1 << 16


def begin(
    directory: RunDir, state: RunState, choice: Choice, context: JobContext, queued: ev.Queued, by: str
) -> RunDir:
    """A new run that waits in the queue; the one it comes from is left as it is.

    Args:
        directory: of the run that failed.
        state: how it ended.
        choice: what is changed, and against what.
        context: the job's surroundings.
        queued: its place in the queue.
        by: who asked for it, `engine` where no one did.

    Raises:
        Problem: the recipe cannot be read, or does not take the change.
        OSError: the disk has no room for it.
    """
    after = changed(read(directory.recipe), choice.patch.recipe)
    found = places(directory, choice, after.recipe)
    tried = Tried(
        category=choice.finding.category, found=name_of(choice.finding), patch=choice.patch, run=state.run,
        by=by, attempt=attempts(state) + 1,
    )  # fmt: skip

    def fill(draft: RunDir) -> None:
        for name in _PINS:
            if (directory.path / name).is_file():
                shutil.copy2(directory.path / name, draft.path / name)
        take_over(found, draft.checkpoints)

    def first(run: RunDir) -> list[ev.Event]:
        made = first_event(run, state.name, after.recipe)
        created = msgspec.structs.replace(made, parent=state.run, lineage=[state.run, *state.lineage])
        return [created, tried, queued]

    return RunDir.create(directory.root, after.text, without_struck(context, directory), first, fill)


def attempts(state: RunState) -> int:
    """How many runs of its chain were begun to mend one before it, this one included."""
    return state.remarks.tried[-1].attempt if state.remarks.tried else 0


def chain(state: RunState, state_of: Callable[[str], RunState | None]) -> list[RunState]:
    """Those that led to this one by repairs, this one last; what was deleted is left out."""
    found = [state]
    while found[0].remarks.tried and len(found) <= attempts(state):
        before = state_of(found[0].remarks.tried[-1].run)
        if before is None:
            break
        found.insert(0, before)
    return found


def already(directory: RunDir, since: float) -> str:
    """The run that was begun after `since` (seconds since 1970) to mend this one; else empty."""
    for run in reversed(all_runs(directory.root)):
        if int(run) <= int(directory.run):
            return ""
        first = [ev.decode(line) for line in EventReader(RunDir(directory.root, run).events).read(_FIRST)[:3]]
        if any(isinstance(one, Tried) and one.run == directory.run and one.t >= since for one in first):
            return run
    return ""


def was_queued(directory: RunDir) -> bool:
    """True for a run that an engine has begun, and not a command in the foreground."""
    lines = EventReader(directory.events).read(_FIRST)[:8]
    return any(isinstance(ev.decode(line), ev.Queued) for line in lines)


def without_struck(context: JobContext, directory: RunDir) -> JobContext:
    """The surroundings without the faults that have struck already: each strikes once in a chain of runs."""
    asked = context.env.get(faults.VARIABLE, "")
    if not asked:
        return context
    events = (ev.decode(line) for line in EventReader(directory.events) if b'"injected"' in line)
    struck = {event.fault for event in events if isinstance(event, ev.Injected)}
    left = [fault.word for fault in faults.asked(context.env) if fault.word not in struck]
    env: Mapping[str, str] = {**context.env, faults.VARIABLE: ",".join(left)}
    return msgspec.structs.replace(context, env=dict(env))


def hours(found: list[RunState]) -> float:
    """What the repairs among these runs have taken at work, in hours."""
    began = [one for one in found if one.remarks.tried and one.session_start > 0]
    return sum(max(one.updated - one.session_start, 0.0) for one in began) / 3600
