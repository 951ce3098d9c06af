"""In which order a stop of several runs asks them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class _Run(Protocol):
    @property
    def status(self) -> str:
        """A word of the run state's."""

    @property
    def created(self) -> float:
        """Seconds since 1970."""


_R = TypeVar("_R", bound=_Run)


def waiting_first(runs: Iterable[_R]) -> list[_R]:
    """Those that wait before those that work: a device that comes free starts the next in the queue."""
    return sorted(runs, key=lambda run: (run.status != "queued", run.created))
