"""The runs that have not ended: what the model must leave to them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from engine import events as ev
from engine.event_log import EventReader
from engine.leases.cards import devices_in
from engine.run_dir import RunDir, live_runs
from engine.run_state import RunState, fold

_SPARE: Final = 1.1
"""A prediction is to fit with a tenth to spare, as the queue counts it too."""


class Neighbour(msgspec.Struct, frozen=True):
    """A run that works, or is about to."""

    devices: tuple[str, ...] = ()
    """What it works on; empty while it waits for devices."""
    need: int | None = None
    """Bytes that it will hold of each card; None where that is not known."""


class Neighbours:
    """Reads on in the events of the home's live runs; asked every few seconds at most."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, tuple[EventReader, RunState]] = {}

    def now(self) -> list[Neighbour]:
        """Those there are."""
        live = live_runs(self._root)
        self._known = {run: self._known.get(run) or self._begun(run) for run in live}
        return [_of(fold(reader, state)) for reader, state in self._known.values()]

    def _begun(self, run: str) -> tuple[EventReader, RunState]:
        return EventReader(RunDir(self._root, run).events), RunState()


def _of(state: RunState) -> Neighbour:
    waits = state.status == "queued" or not state.device or state.device == ev.HUB
    predicted = int(state.predicted.bytes * _SPARE) if state.predicted is not None else None
    measured = state.memory_peak if state.step else None
    need = max((size for size in (predicted, measured) if size is not None), default=None)
    return Neighbour(() if waits else tuple(devices_in(state.device)), need)
