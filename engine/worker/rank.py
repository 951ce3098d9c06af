"""One rank of a run in a process of its own; rank 0 speaks and listens for all."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final, TypeVar

from engine import events as ev
from engine.hub.ready import ready
from engine.hub.ready_data import bound_recipe, missing_datasets
from engine.job import Order
from engine.recipe import read
from engine.run_dir import RunDir
from engine.worker.ranks import SIGNALS, keep_end

_T = TypeVar("_T")
_LOOK: Final = 0.5


def follow(directory: RunDir, device: str, rank: int) -> int:
    """Compute for rank 0 until it ends the work; 0 where that went well."""
    from engine.worker.work import job_of, never_began

    outcome: ev.Finished | ev.Failed
    try:
        recipe = read(directory.recipe).resolved()
        # Rank 0 fetches what is not here; what lies under its name is whole.
        folder = _once(lambda: ready(directory, recipe))
        _once(lambda: None if any(missing_datasets(directory, recipe)) else True)
        from engine.train.loop import train

        job = job_of(directory, bound_recipe(directory, recipe), folder, device)
        outcome = train(job, _silent, _Deaf())
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        outcome = never_began(directory, error)
    keep_end(directory, rank, outcome)
    fine = isinstance(outcome, ev.Finished) or outcome.interrupted
    return 0 if fine else 1


def leave_with_leader() -> None:
    """End this process as soon as the one that started the ranks is gone, whatever it is doing."""
    threading.Thread(target=_until_alone, name="leader", daemon=True).start()


def _until_alone() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def take_signals() -> None:
    """Let those through that were held back until someone listens."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _once(look: Callable[[], _T | None]) -> _T:
    while (found := look()) is None:
        time.sleep(_LOOK)
    return found


def _silent(_event: ev.Event, /) -> None:
    """Only rank 0 reports."""


class _Deaf:
    """Orders reach this rank by agreement with rank 0."""

    def next(self) -> tuple[Order, str] | None:
        """None, always."""
        return None
