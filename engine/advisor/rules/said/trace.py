"""Finds the tracebacks in a log: which exception ended the run, what it rests on, and where it was raised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

_PREFIX: Final = re.compile(
    r"^\s?(?:\[?(?:rank|default|worker|node)[ _-]?\d+\]?:?\s?|\(\w+ pid=\d+[^)]*\)\s?"
    r"|\d+:\s(?=Traceback|\s))+",
    re.IGNORECASE,
)
_OPENS: Final = re.compile(r"Traceback \(most recent call last\)")
_FRAME: Final = re.compile(r"^(?:\s|[│╭╰╯╮┃|]|$)")
_NAMED: Final = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Interrupt|Exit|Failure|Warning)?|\w+Error)(?::|$)"
)
_LINKED: Final = re.compile(
    r"During handling of the above exception|The above exception was the direct cause"
)
_WRAPPERS: Final = frozenset(
    {
        "ChildFailedError",
        "CalledProcessError",
        "RayTaskError",
        "SignalException",
        "ProcessExitedException",
        "ProcessRaisedException",
        "BrokenProcessPool",
        "BackendCompilerFailed",
        "SystemExit",
    }
)
_MESSAGE: Final = 60
"""Lines that the message of an exception has at most."""


class Trace(msgspec.Struct, frozen=True):
    """One traceback: indexes of lines."""

    start: int
    head: int
    """Where the exception is named."""
    last: int
    """Where its message ends."""
    kind: str
    """The exception's class, without its module."""
    linked: bool = False
    """True where it was raised because of the one before it, or while that was handled."""

    @property
    def wraps(self) -> bool:
        """True for the word of a launcher that one of its processes failed."""
        return self.kind in _WRAPPERS


def bare(line: str) -> str:
    """A line without the name of the process that said it."""
    return _PREFIX.sub("", line)


def traces_in(lines: list[str]) -> list[Trace]:
    """All tracebacks, in order."""
    found: list[Trace] = []
    at = 0
    while at < len(lines):
        if not _OPENS.search(lines[at]):
            at += 1
            continue
        trace = _read(lines, at, linked=_is_linked(lines, at))
        found.append(trace)
        at = trace.last + 1
    return found


def chains(traces: Iterable[Trace]) -> Iterator[list[Trace]]:
    """Tracebacks that hang together, the first cause first."""
    chain: list[Trace] = []
    for trace in traces:
        if chain and not trace.linked:
            yield chain
            chain = []
        chain.append(trace)
    if chain:
        yield chain


def _read(lines: list[str], start: int, *, linked: bool) -> Trace:
    head = start + 1
    while head < len(lines) and not _is_head(bare(lines[head])):
        if _OPENS.search(lines[head]):
            return Trace(start, head - 1, head - 1, "", linked)
        head += 1
    head = min(head, len(lines) - 1)
    named = _NAMED.match(bare(lines[head]))
    last = head
    while last + 1 < min(len(lines), head + _MESSAGE) and _goes_on(lines, last + 1):
        last += 1
    return Trace(start, head, last, named[1] if named else "", linked)


def _is_head(line: str) -> bool:
    return bool(line.strip()) and not _FRAME.match(line)


def _goes_on(lines: list[str], at: int) -> bool:
    line = bare(lines[at])
    if _OPENS.search(line) or _LINKED.search(line) or line.startswith("{'"):
        return False
    return bool(line.strip()) or (at + 1 < len(lines) and lines[at + 1].startswith((" ", "\t")))


def _is_linked(lines: list[str], start: int) -> bool:
    return any(_LINKED.search(line) for line in lines[max(start - 3, 0) : start])
