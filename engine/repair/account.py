"""The morning after: how a run stands, why, what was tried, where its best is, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from engine import events as ev
from engine.lessons.lesson import Lesson
from engine.problem import Problem
from engine.repair import saved
from engine.repair.begin import chain
from engine.repair.cause import causes
from engine.repair.choose import choices
from engine.run_dir import RunDir
from engine.run_state import RunState

_LIVE: Final = ("queued", "starting", "running", "paused", "stopping")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to know first."""

    cause: str = ""
    """Why it failed, or what of a run that went well is worth a look."""
    tried: list[str] = []
    """The runs of its chain, the oldest first, each with what was changed and how it ended."""
    best: str = ""
    next: str = ""
    """A command."""


def account(
    directory: RunDir,
    state: RunState,
    lessons: Sequence[Lesson],
    state_of: Callable[[str], RunState | None],
) -> Account:
    """What there is to say of the run.

    Args:
        directory: the run's.
        state: as it stands.
        lessons: what all runs taught; they rank what could be tried.
        state_of: the state of another run, None where it is gone.
    """
    runs = chain(state, state_of)
    return Account(
        cause=_cause(directory, state),
        tried=[_tried(run) for run in runs] if len(runs) > 1 else [],
        best=_best(runs, directory),
        next=_next(directory, state, lessons),
    )


def _cause(directory: RunDir, state: RunState) -> str:
    if state.status not in ("failed", "interrupted"):
        first = next((one for one in state.findings if one.severity != "note"), None)
        return first.title if first is not None and state.ended else ""
    found = causes(directory, state)
    said = state.outcome.what if isinstance(state.outcome, ev.Failed) else state.reason
    if not found:
        return said
    why = found[0].cause
    return found[0].title if why in found[0].title else f"{found[0].title.rstrip('.')}. {why}"


def _tried(state: RunState) -> str:
    changed = state.remarks.tried[-1].patch.label if state.remarks.tried else "as it was"
    return f"run {state.run}, {changed}: {state.status} at step {state.step:,}"


def _best(runs: Sequence[RunState], directory: RunDir) -> str:
    """Where the best lies: the adapter, else the best checkpoint of the newest run that has one."""
    last = runs[-1]
    if last.outcome is not None and last.outcome.adapter:
        loss = "" if last.best_eval is None else f", eval {last.best_eval:.4g}"
        return f"adapter of run {last.run}{loss}"
    for state in reversed(runs):
        found = saved.best(RunDir(directory.root, state.run))
        if found is not None:
            path, manifest = found
            loss = "" if manifest.eval_loss is None else f", eval {manifest.eval_loss:.4g}"
            return f"{path.name} of run {state.run}{loss}"
    return ""


def _next(directory: RunDir, state: RunState, lessons: Sequence[Lesson]) -> str:
    run, followed = state.run, state.remarks.followed
    if followed is not None and followed.run:
        return f"openlora runs show {followed.run}"
    match state.status:
        case "queued" if state.held:
            return f"openlora runs release {run}"
        case "succeeded":
            return f"openlora chat {run}"
        case "stopped" | "interrupted":
            return f"openlora runs resume {run}"
        case "failed":
            return _mending(directory, state, lessons)
    return f"openlora runs watch {run}" if state.status in _LIVE else ""


def _mending(directory: RunDir, state: RunState, lessons: Sequence[Lesson]) -> str:
    try:
        found = choices(directory, state, lessons, state.remarks.tried)
    except Problem:
        found = []
    return f"openlora runs retry {state.run}" if found else f"openlora advise {state.run}"
