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
NAMED: Final = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Interrupt|Exit|Failure|Warning|Iteration|Memory)\w*)(?::|\(|\s*$)"
)
_FRAME: Final = re.compile(r"^(?:\s|[│╭╰╯╮┃|]|$|File |Cell In|-+>|\[\d|\.\.\.|<ipython|~+\^|\^)")
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
_FRAMES: Final = 600
"""Lines that the frames of an exception have at most."""
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
    """The traceback that opens at `start`, whether its frames are indented, boxed, or those of a notebook."""
    end = next((at for at in _after(lines, start) if _OPENS.search(lines[at])), None)
    stop = len(lines) if end is None else end
    reach = range(start + 1, min(stop, start + _FRAMES))
    plain = (at for at in reach if lines[at].strip() and not _FRAME.match(bare(lines[at])))
    head = next((at for at in reach if NAMED.match(bare(lines[at]))), None)
    first = next(plain, None)
    if first is not None and (head is None or (_indented(lines, start, first) and first < head)):
        head = first
    if head is None:
        return Trace(start, stop - 1, stop - 1, "", linked)
    named = NAMED.match(bare(lines[head]))
    last = head
    while last + 1 < min(stop, head + _MESSAGE) and _goes_on(lines, last + 1):
        last += 1
    return Trace(start, head, last, named[1] if named else "", linked)


def _after(lines: list[str], start: int) -> range:
    return range(start + 1, min(len(lines), start + _FRAMES))


def _indented(lines: list[str], start: int, first: int) -> bool:
    """True where the frames are as Python prints them: then what follows them is the exception."""
    return first > start + 1 and all(bare(line)[:1] in (" ", "\t", "") for line in lines[start + 1 : first])


def _goes_on(lines: list[str], at: int) -> bool:
    line = bare(lines[at])
    if _OPENS.search(line) or _LINKED.search(line) or line.startswith("{'"):
        return False
    return bool(line.strip()) or (at + 1 < len(lines) and lines[at + 1].startswith((" ", "\t")))


def _is_linked(lines: list[str], start: int) -> bool:
    return any(_LINKED.search(line) for line in lines[max(start - 3, 0) : start])
