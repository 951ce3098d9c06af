"""The order of the runs that wait, and what a person changes in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from engine import events as ev
from engine.leases.asked import asked
from engine.leases.cards import offered
from engine.messages import Gpu
from engine.problem import WORK_FAILED, Problem
from engine.server.live import LiveRun

HELD: Final = "held until it is released"
WAITS: Final = "waits for a worker"
_BEHIND: Final = 1e-3


class Queue:
    """The runs without a worker; their places are events, so that the next engine knows them.

    Args:
        runs: those that have not ended.
        tell: passes on what was written of a run.
    """

    def __init__(self, runs: Mapping[str, LiveRun], tell: Callable[[LiveRun], None]) -> None:
        self._runs = runs
        self._tell = tell

    def waiting(self) -> list[LiveRun]:
        """The queue, the next one first."""
        waiting = [live for live in self._runs.values() if live.device is None]
        return sorted(waiting, key=lambda live: (live.state.place, int(live.run)))

    @property
    def last_place(self) -> float:
        """A place behind all that wait, also where the clock was set back since they came."""
        return max([time.time(), *(live.state.place + _BEHIND for live in self.waiting())])

    def hold(self, live: LiveRun, *, held: bool) -> None:
        """Let a waiting run wait on, or let it start when its turn comes."""
        live.write(ev.Queued(reason=HELD if held else WAITS, held=held))
        self._tell(live)

    def hold_back(self, live: LiveRun, reason: str) -> None:
        """Let a waiting run wait until someone releases it, because it would fail now."""
        live.write(ev.Queued(reason=reason, held=True))
        self._tell(live)

    def move(self, live: LiveRun, *, sooner: bool) -> str:
        """Let a waiting run change places with its neighbour in the queue, whose id is returned.

        Raises:
            Problem: it is the first or the last already.
        """
        queue = self.waiting()
        at = queue.index(live) + (-1 if sooner else 1)
        if not 0 <= at < len(queue):
            end = "first" if sooner else "last"
            raise Problem(f"Run {live.run} is the {end} in the queue already.", exit_status=WORK_FAILED)
        other = queue[at]
        mine, theirs = live.state.place, other.state.place
        for run, place in ((live, theirs), (other, mine)):
            run.write(ev.Queued(reason=run.state.reason, held=run.state.held, place=place))
            self._tell(run)
        return other.run

    def pin(self, live: LiveRun, devices: str, cards: list[Gpu]) -> None:
        """Let a waiting run have these devices, whatever its recipe says; empty for what that says.

        Raises:
            Problem: they are not there.
        """
        if devices:
            try:
                offered(asked(devices), live.context.env, cards)
            except ValueError as error:
                why, do = error.args
                raise Problem("The run cannot be pinned.", where="devices", why=f"{why}.", do=do) from None
        live.write(ev.Queued(reason=live.state.reason, held=live.state.held, pinned=devices))
        self._tell(live)
