"""What is known of a worker that died without a word: exit code, signal, its last event and its console."""

from __future__ import annotations

import errno
import os
import signal as signals
import time
from typing import Final, NamedTuple

import psutil

from engine import events as ev
from engine import oom_kills, xid
from engine.findings import Category, Finding, Patch
from engine.hub.ready import FETCHING
from engine.hub.ready_data import FETCHING_DATA
from engine.memory.relief import halved
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir, host_name
from engine.run_state import RunState

_NO_ROOM: Final = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT)))
_NO_CARD: Final = ("", "cpu", ev.HUB)


class Death(NamedTuple):
    """How a worker ended, and why."""

    what: str
    why: str = ""
    do: str = ""
    """Empty where the run can simply be resumed."""
    category: Category = "other"
    check: str = ""
    """Begins with `death.` where it need not come again."""
    confidence: float = 0.6


def failure(
    directory: RunDir, state: RunState, code: int | None, *, killed: bool, hung: bool = False
) -> ev.Failed:
    """The event that stands in for the word that the worker did not say.

    Args:
        code: exit status as `subprocess` gives it (negative for a signal), None where the worker
            was adopted and no one could wait for it.
        killed: True where a person asked for it.
        hung: True where the engine ended it because nothing moved.
    """
    name = signal_name(code)
    checkpoint = directory.resumable()
    if killed:
        death = Death("The run was ended at once, as asked.")
    else:
        death = _death(directory, state, code, name, hung=hung)
    findings = [] if killed else [_finding(directory, state, death)]
    return ev.Failed(
        run=directory.run,
        steps=state.step,
        what=death.what,
        why=death.why,
        do=death.do or _do(state, checkpoint),
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


def _death(directory: RunDir, state: RunState, code: int | None, name: str | None, *, hung: bool) -> Death:
    """What is known of the end, the surest sign first."""
    gone = name in ("SIGKILL", None)
    if hung:
        return _hung(state)
    if (record := directory.worker()) is not None and not record.here and record.host == host_name():
        return _rebooted(state)
    if gone and not state.injected and (told := _by_kernel(state)) is not None:
        return Death(_what(code, name), told, category="oom", confidence=0.95)
    if (found := xid.logged(state.heard, state.pid) if state.device not in _NO_CARD else None) is not None:
        return _card(_what(code, name), found)
    if name == "SIGKILL" and state.injected:
        asked = f"OPENLORA_FAULT asked for it: {state.injected[-1]}."
        return Death(_what(code, name), asked, check="death.killed")
    if name == "SIGKILL" and _was_full(state):
        return Death(_what(code, name), f"{_by_whom(state)} {_memory(state)}".strip(), category="oom")
    if name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"):
        return Death(_what(code, name), f"{_by_whom(state)} {_memory(state)}".strip(), check="death.killed")
    if name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"):
        why = "Native code crashed: PyTorch, a kernel or a driver. The console has its last lines."
        return Death(_what(code, name), why, check="death.crashed")
    doing = f" while {state.phase}" if state.phase else ""
    why = f"Its last event was heard at step {state.step}{doing}; the console has its last lines."
    # A worker that could not even write who it is says so on its console alone.
    if any(word in line for line in directory.console_tail(6) for word in _NO_ROOM):
        return Death(_what(code, name), why, category="save_or_disk")
    return Death(_what(code, name), why, check="death.gone" if code is None else "")


def _what(code: int | None, name: str | None) -> str:
    if name is not None:
        return f"The worker was killed by {name}."
    if code is None:
        return "The worker is gone and left no last word."
    return f"The worker ended with status {code} and left no last word."


def _hung(state: RunState) -> Death:
    quiet = state.heartbeat.quiet if state.heartbeat is not None else 0.0
    doing = f" while {state.phase}" if state.phase else ""
    what = f"The run hung and was ended: nothing had moved for {quiet:.0f} s{doing}."
    why = "on_failure: repair lets the engine end what does not move; the finding before has the place."
    return Death(what, why, check="death.hung", category="hang_or_slow", confidence=0.9)


def _rebooted(state: RunState) -> Death:
    began, heard = psutil.boot_time(), state.heard
    gap = f", {began - heard:,.0f} s after the run was last heard" if began > heard > 0 else ""
    why = f"This machine was started at {time.strftime('%Y-%m-%d %H:%M', time.localtime(began))}{gap}."
    return Death("The machine went down while the run worked.", why, check="death.rebooted", confidence=0.95)


def _card(what: str, found: xid.Xid) -> Death:
    meaning = found.meaning
    return Death(
        f"The card failed: Xid {found.number}, {meaning.words}.",
        f"{what} The kernel's log says: {found.line}",
        do=f"{meaning.do}.",
        category="cuda_driver_or_arch" if meaning.lasting else "other",
        check="" if meaning.lasting else "death.crashed",
        confidence=0.9,
    )


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


def _finding(directory: RunDir, state: RunState, death: Death) -> Finding:
    return Finding(
        category=death.category,
        severity="blocker",
        confidence=death.confidence,
        title=death.what,
        evidence=directory.console_tail(6),
        cause=death.why,
        remedy=death.do or _do(state, directory.resumable()),
        patch=_patch(directory) if death.category == "oom" else None,
        step=state.step or None,
        check=death.check,
    )


def _patch(directory: RunDir) -> Patch | None:
    try:
        return halved(read(directory.recipe).recipe)
    except (Problem, OSError):
        return None


def _was_full(state: RunState) -> bool:
    return state.heartbeat is not None and state.heartbeat.rss > 0.7 * psutil.virtual_memory().total
