"""Makes a run go wrong on purpose, by `OPENLORA_FAULT=oom@12,nan@row:17,kill@phase:checkpoint`.

A word is KIND@PLACE, and each strikes once in a run. The run's events say so before it
strikes; from them a resumed worker knows what has been. Only a run's worker is ever armed.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from engine import events as ev
from engine.findings import Finding
from engine.problem import Problem
from engine.text import one_line

_T = TypeVar("_T")

VARIABLE: Final = "OPENLORA_FAULT"
KINDS: Final = {
    "oom": "the memory runs out in a micro-batch",
    "nan": "a loss is not a number",
    "kill": "the worker gets SIGKILL",
    "diskfull": "writes are refused with ENOSPC for two seconds, or until a checkpoint was refused once",
    "quota": "the same with EDQUOT",
    "hang": "the loop stops moving, for good",
    "slow": "a micro-batch takes five seconds longer",
    "torn-checkpoint": "the next checkpoint loses half of its largest file after it was written",
    "torn-event": "the worker gets SIGKILL with half of its next event written",
}
"""What can be asked for, and what it does."""
PHASES: Final = (
    "fetching model", "loading libraries", "reading data", "loading model", "rehearsing", "training",
    "evaluating", "sampling", "saving", "checkpoint", "adapter",
)  # fmt: skip
"""The phases that a run tells of, at their beginning; the last two are the middle of writing these."""
_BESIDE: Final = ("evaluating", "sampling", "saving")
_PLACE: Final = re.compile(r"(?:step:)?(?P<step>\d{1,15})|row:(?P<row>\d{1,15})|(?:phase:)?(?P<phase>\D+)")
_SLOW: Final = 5.0
_FULL: Final = 2.0
_TICK: Final = 1.0


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong, and where."""

    kind: str
    unit: str
    """`step`, `row` or `phase`."""
    at: str
    """The step or line from 1, or the phase's name."""

    @property
    def word(self) -> str:
        """As it can be asked for."""
        return f"{self.kind}@{self.unit}:{self.at}"


class _Armed:
    """What is still to come in this process, and what has been."""

    def __init__(self, faults: list[Fault], report: Callable[[ev.Event], None], struck: list[str]) -> None:
        self.coming = [fault for fault in faults if fault.word not in struck]
        self.struck = struck
        self.report = report
        self.step = 0
        self.pending: set[str] = set()
        """Kinds that have come about and strike at the next occasion."""
        self.room_again = 0.0
        """When a full disk has room again, on the monotonic clock."""

    def due(self, unit: str, at: Iterable[str]) -> list[Fault]:
        """Take the faults of this place, each told of before it strikes."""
        here = set(at) if any(fault.unit == unit for fault in self.coming) else set()
        due = [fault for fault in self.coming if fault.unit == unit and fault.at in here]
        for fault in due:
            self.coming.remove(fault)
            self.struck.append(fault.word)
            self.report(ev.Injected(fault=fault.word, step=self.step))
            self.report(ev.Found(finding=_finding(fault.word)))
        return due


_armed: _Armed | None = None


def asked(env: Mapping[str, str]) -> list[Fault]:
    """The faults that the variables `env` ask for.

    Raises:
        Problem: a word that names no fault or no place.
    """
    words = (word.strip() for word in env.get(VARIABLE, "").split(","))
    return list(dict.fromkeys(_parsed(word) for word in words if word))


def arm(faults: list[Fault], report: Callable[[ev.Event], None], past: Iterable[bytes] = ()) -> None:
    """Let `faults` strike in this process; `past` are the run's event lines, where some may have struck."""
    global _armed
    happened = (ev.decode(line) for line in past if b'"injected"' in line)
    struck = [event.fault for event in happened if isinstance(event, ev.Injected)]
    _armed = _Armed(faults, report, struck) if faults or struck else None


def findings() -> list[Finding]:
    """A note for each fault that has struck in this run, for its last event."""
    return [_finding(word) for word in _armed.struck] if _armed else []


def missed() -> str:
    """The faults whose place never came, in words; empty where there are none."""
    return ", ".join(fault.word for fault in _armed.coming) if _armed else ""


def micro_batch(loss: _T, step: int, sources: Iterable[str]) -> _T:
    """Strike between forward and backward: `loss` comes back, poisoned where that is due.

    Args:
        step: the step that is under way, from 1.
        sources: `file:line` of each row.
    """
    if _armed is None:
        return loss
    _armed.step = step
    lines = (source.rpartition(":")[2] for source in sources)
    _strike([*_armed.due("step", [str(step)]), *_armed.due("row", lines)])
    if "nan" in _armed.pending:
        _armed.pending.remove("nan")
        poisoned: Any = loss
        loss = poisoned * float("nan")
    return loss


def phase(name: str) -> None:
    """Strike at the beginning of a phase."""
    if _armed is not None:
        _strike(_armed.due("phase", [name]))


def append(file: int, data: bytes) -> None:
    """Strike where `data` is about to be appended to the events in `file`.

    Raises:
        OSError: the disk is to be full.
    """
    if _armed is None:
        return
    if "torn-event" in _armed.pending:
        os.write(file, data[: len(data) // 2])
        _die()
    _refuse(file)


@contextmanager
def asleep() -> Iterator[None]:
    """Nothing strikes inside: what is tried there is no part of the run yet."""
    global _armed
    kept, _armed = _armed, None
    try:
        yield
    finally:
        _armed = kept


def beside() -> None:
    """Strike where something beside the steps asks for memory."""
    if _armed is not None and "oom" in _armed.pending:
        _armed.pending.remove("oom")
        _exhaust("a fault that was asked for")


def writing(name: str, folder: Path) -> None:
    """Strike where a part of the `checkpoint` or the `adapter` is written in `folder` and the rest is not.

    Raises:
        OSError: the disk is to be full.
    """
    if _armed is None:
        return
    phase(name)
    beside()
    try:
        _refuse(folder)
    finally:
        _armed.pending -= {"diskfull", "quota"}


def checkpoint(folder: Path) -> None:
    """Strike where a checkpoint has been completed."""
    if _armed is not None and "torn-checkpoint" in _armed.pending:
        _armed.pending.remove("torn-checkpoint")
        largest = max(folder.iterdir(), key=lambda file: file.stat().st_size)
        os.truncate(largest, largest.stat().st_size // 2)


def _strike(due: list[Fault]) -> None:
    assert _armed is not None
    for fault in due:
        match fault.kind:
            case "kill":
                _die()
            case "oom" if fault.unit == "phase" and fault.at in _BESIDE:
                _armed.pending.add("oom")
            case "oom":
                _exhaust(fault.word)
            case "slow":
                time.sleep(_SLOW)
            case "hang":
                while True:
                    time.sleep(_TICK)
            case later:
                _armed.pending.add(later)
                _armed.room_again = time.monotonic() + _FULL


def _exhaust(by: str) -> NoReturn:
    # The vocabulary stays light: where torch is in use, it is loaded.
    torch: Any = sys.modules.get("torch")
    raise (torch.OutOfMemoryError if torch else MemoryError)(f"out of memory, by {by}")


def _refuse(what: object) -> None:
    assert _armed is not None
    if time.monotonic() > _armed.room_again:
        _armed.pending -= {"diskfull", "quota"}
    for kind, number in (("diskfull", errno.ENOSPC), ("quota", errno.EDQUOT)):
        if kind in _armed.pending:
            raise OSError(number, os.strerror(number), str(what))


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived")


def _finding(word: str) -> Finding:
    kind = word.partition("@")[0]
    return Finding(
        category="other",
        severity="note",
        title=f"A fault was injected on purpose: {word}",
        evidence=[f"{kind}: {KINDS.get(kind, 'of another version')}"],
        cause=f"{VARIABLE} asked for it.",
        remedy="Nothing: it strikes once in a run. What came of it is told beside this.",
    )


def _parsed(word: str) -> Fault:
    kind, at, place = word.partition("@")
    if not at or kind not in KINDS:
        raise _wrong(word, f"There is no fault '{one_line(kind, 40)}'; there are {', '.join(KINDS)}.")
    found = _PLACE.fullmatch(place)
    if found is None or found.lastgroup is None:
        raise _wrong(
            word,
            f"'{one_line(place, 40)}' is no place: a step (40), a row (row:17) or a phase (phase:saving).",
        )
    unit, name = found.lastgroup, found[found.lastgroup]
    if unit != "phase":
        return Fault(kind, unit, str(int(name)))
    name = name.replace("-", " ").replace("_", " ")
    if name not in PHASES:
        raise _wrong(word, f"There is no phase '{one_line(name, 40)}'; there are {', '.join(PHASES)}.")
    return Fault(kind, unit, name)


def _wrong(word: str, why: str) -> Problem:
    return Problem(
        f"'{one_line(word, 60)}' is no fault that can be injected.",
        where=VARIABLE,
        why=why,
        do="Write KIND@PLACE words with commas between, such as kill@40,nan@row:17,oom@phase:evaluating.",
    )
