"""What is known of a worker that died without a word: exit code, signal, its last event and its console."""

from __future__ import annotations

import errno
import os
import signal as signals
from typing import Final

import psutil

from engine import events as ev
from engine import oom_kills
from engine.findings import Category, Finding, Patch
from engine.hub.ready import FETCHING
from engine.hub.ready_data import FETCHING_DATA
from engine.memory.relief import halved
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir
from engine.run_state import RunState

_NO_ROOM: Final = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT)))


def failure(directory: RunDir, state: RunState, code: int | None, *, killed: bool) -> ev.Failed:
    """The event that stands in for the word that the worker did not say.

    Args:
        code: exit status as `subprocess` gives it (negative for a signal), None where the worker
            was adopted and no one could wait for it.
        killed: True where a person asked for it.
    """
    name = signal_name(code)
    checkpoint = directory.resumable()
    what = "The run was ended at once, as asked." if killed else _what(code, name)
    findings = [] if killed else [_finding(directory, state, what, name)]
    return ev.Failed(
        run=directory.run,
        steps=state.step,
        what=what,
        why="" if killed else _why(state, name),
        do=_do(state, checkpoint),
        where=state.phase,
        loss=state.mean_loss,
        findings=[*state.findings, *findings],
        # A run that was only told to end can be told to begin again, checkpoint or not.
        resumable=checkpoint or killed,
        interrupted=killed,
        exit_code=code if code is not None and code >= 0 else None,
        signal=name,
        console=directory.console_tail(),
        log=str(directory.console),
    )


def signal_name(code: int | None) -> str | None:
    """`SIGKILL` for -9, None for an ordinary exit."""
    if code is None or code >= 0:
        return None
    try:
        return signals.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _what(code: int | None, name: str | None) -> str:
    if name is not None:
        return f"The worker was killed by {name}."
    if code is None:
        return "The worker is gone and left no last word."
    return f"The worker ended with status {code} and left no last word."


def _why(state: RunState, name: str | None) -> str:
    if name == "SIGKILL" and state.injected:
        return f"OPENLORA_FAULT asked for it: {state.injected[-1]}."
    if name in ("SIGKILL", None) and (told := _by_kernel(state)) is not None:
        return told
    if name == "SIGKILL":
        return f"{_by_whom(state)} {_memory(state)}".strip()
    if name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"):
        return "Native code crashed: PyTorch, a kernel or a driver. The console has its last lines."
    doing = f" while {state.phase}" if state.phase else ""
    return f"Its last event was heard at step {state.step}{doing}; the console has its last lines."


def _by_kernel(state: RunState) -> str | None:
    """That the kernel killed it for memory, in words, where its counts or its log say so; else None."""
    if line := oom_kills.logged(state.pid):
        return f"The kernel killed it because memory ran out: {line}. {_memory(state)}".strip()
    beat, now = state.heartbeat, oom_kills.counted()
    if beat is None:
        return None
    for before, after, whose in (
        (beat.kills[0], now.group, "of the control group (the container, the batch job)"),
        (beat.kills[1], now.machine, "of the machine"),
    ):
        if before is not None and after is not None and after > before:
            counts = (
                f"its count of such kills went from {before} to {after} since the worker's last heartbeat"
            )
            return (
                f"The kernel killed it because the memory {whose} ran out: {counts}. {_memory(state)}".strip()
            )
    return None


def _by_whom(state: RunState) -> str:
    beat, now = state.heartbeat, oom_kills.counted()
    if beat is None or beat.kills[1] is None or beat.kills[1] != now.machine:
        return "Someone sent it, or the kernel did because memory ran out."
    return "Someone or something sent it: the kernel itself has killed nothing for memory meanwhile."


def _memory(state: RunState) -> str:
    if state.heartbeat is None:
        return ""
    total = psutil.virtual_memory().total
    held = state.heartbeat.rss
    return f"When last heard it held {held / 2**30:.1f} of this machine's {total / 2**30:.1f} GiB."


def _do(state: RunState, checkpoint: bool) -> str:
    if state.phase in (FETCHING, FETCHING_DATA):
        return f"`openlora runs resume {state.run}` goes on with the download; what has come is kept."
    if checkpoint:
        return f"`openlora runs resume {state.run}` goes on from the last checkpoint."
    return f"`openlora runs resume {state.run}` starts it again; there is no checkpoint yet."


def _finding(directory: RunDir, state: RunState, what: str, name: str | None) -> Finding:
    category = _category(directory, state, name)
    return Finding(
        category=category,
        severity="blocker",
        confidence=0.6 if category != "oom" or _by_kernel(state) is None else 0.95,
        title=what,
        evidence=directory.console_tail(6),
        cause=_why(state, name),
        remedy=_do(state, directory.resumable()),
        patch=_patch(directory) if category == "oom" else None,
        step=state.step or None,
    )


def _patch(directory: RunDir) -> Patch | None:
    try:
        return halved(read(directory.recipe).recipe)
    except (Problem, OSError):
        return None


def _category(directory: RunDir, state: RunState, name: str | None) -> Category:
    if name == "SIGKILL" and _was_full(state):
        return "oom"
    if name in ("SIGKILL", None) and not state.injected and _by_kernel(state) is not None:
        return "oom"
    # A worker that could not even write who it is says so on its console alone.
    refused = any(word in line for line in directory.console_tail(6) for word in _NO_ROOM)
    return "save_or_disk" if refused else "other"


def _was_full(state: RunState) -> bool:
    return state.heartbeat is not None and state.heartbeat.rss > 0.7 * psutil.virtual_memory().total
