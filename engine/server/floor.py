"""The runs that have not ended: queued, started on a free device, followed, buried when their worker dies."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine import events as ev
from engine import messages as m
from engine import postmortem, room
from engine.bus import Mailboxes
from engine.client.context import job_context
from engine.leases.cards import Lease
from engine.problem import Problem
from engine.run_dir import RunDir
from engine.run_row import row_of
from engine.server.fronts import Fronts
from engine.server.leases import Leases
from engine.server.live import LiveRun
from engine.server.queue import WAITS, Queue
from engine.server.sides import Sides
from engine.server.starting import Starting
from engine.server.troubles import Troubles
from engine.server.workers import Workers
from engine.store import Store

_SAVE: Final = 2.0
_FIRST_WORDS: Final = 1 << 18
"""Bytes that a worker has to be able to write before it is started: its record and its first events."""
_LEAVING: Final = 2.0
"""Seconds that a worker may take from its last word to its end before a request is refused."""
_ROWS: Final = 0.5
_SLICE: Final = 0.05
"""Seconds that one part of a tick may take before front ends are looked after again."""
_SPARE_AFTER: Final = 2.0


class Floor:
    """Where the work is done."""

    def __init__(
        self,
        root: Path,
        boxes: Mailboxes,
        store: Store,
        fronts: Fronts,
        workers: Workers,
        sides: Sides,
        troubles: Troubles,
    ) -> None:
        self._root = root
        self._boxes = boxes
        self._store = store
        self._fronts = fronts
        self._workers = workers
        self._sides = sides
        self._troubles = troubles
        self._live: dict[str, LiveRun] = {}
        self._leases = Leases(sides)
        self._starting = Starting(workers, self._leases)
        self.queue = Queue(self._live, self._pass_on)
        self.ended: Callable[[LiveRun], None] = lambda live: None
        """Told of each run that has ended, before it is forgotten."""
        self._next_rows = 0.0
        self._quiet_since = time.monotonic()

    @property
    def busy(self) -> bool:
        """True while any run of this machine has not ended."""
        return any(not live.elsewhere for live in self._live.values())

    def get(self, run: str) -> LiveRun | None:
        """The run, if it has not ended."""
        return self._live.get(run)

    @property
    def live(self) -> list[LiveRun]:
        """The runs that have not ended."""
        return list(self._live.values())

    def followed(self, run: str) -> bool:
        """True where all that the run's worker has written was read, or is soon."""
        live = self._live.get(run)
        return live is None or not live.behind

    def __contains__(self, run: object) -> bool:
        return run in self._live

    @property
    def rows(self) -> dict[str, m.RunRow]:
        """The runs that have not ended, as they are now; a full disk may have kept them from the index."""
        return {live.run: row_of(live.state, silent=live.silent) for live in self._live.values()}

    def refresh(self, run: str) -> None:
        """Take what the run's worker has written up to now, for whoever asks."""
        live = self._live.get(run)
        if live is not None:
            self._pass_on(live)

    def settled(self, run: str) -> LiveRun | None:
        """The run as it is now; one whose worker has just left is buried, or waits again."""
        self.refresh(run)
        live = self._live.get(run)
        if live is None:
            return None
        end = time.monotonic() + _LEAVING
        while live.state.outcome is not None and live.working and time.monotonic() < end:
            time.sleep(0.01)
        if live.device is not None and not live.working:
            self._bury(live)
        return self._live.get(run)

    def add(self, directory: RunDir, context: m.JobContext, *events: ev.Event) -> LiveRun:
        """Put a run on the floor: new, or ended and to be resumed; `events` are written first."""
        live = LiveRun(directory, self._store.index(directory.run), context)
        directory.mark_live()  # before the events: a run that is said to wait is never forgotten
        live.write(*events)
        self._live[directory.run] = live
        return live

    def meet(self, run: str) -> None:
        """A run is marked live on disk: adopt its worker, queue it, or bury it."""
        directory = RunDir(self._root, run)
        if run in self._live:
            return
        if not directory.path.is_dir():
            directory.mark_ended()  # an engine died when it was about to make it
            return
        context = directory.context() or job_context()
        live = LiveRun(directory, self._store.known(run), context)
        self._live[run] = live
        if live.adopt():
            logging.info("run %s: adopted worker %s", run, live.adopted)
        with suppress(OSError):  # what cannot be read is given up when it is followed
            live.follow()

    def follow(self) -> None:
        """Take the events of every run, bury the dead, start what can start, tell who watches."""
        for live in list(self._live.values()):
            if live.device is None and not (live.stirred or live.behind):
                continue
            with self._troubles.borne():
                try:
                    self._follow(live)
                except OSError as error:
                    live.give_up(error)
                    self._remove(live)
        with self._troubles.borne():
            self._start_waiting()
        self._tell_rows()

    def tidy(self) -> None:
        """Save states, and keep a spare worker while an app looks on and nothing runs."""
        now = time.monotonic()
        for live in list(self._live.values()):
            live.stirred = True  # someone else may have written, or removed it by hand
            if live.changed and now - live.saved > _SAVE and time.monotonic() - now < _SLICE:
                self._save(live)
        if self._live or self._sides.heavy:
            self._quiet_since = now
            return
        context = next((front.context for front in self._fronts.apps if front.context), None)
        if context is None:
            self._workers.drop_spare()
        elif now - self._quiet_since > _SPARE_AFTER:
            self._workers.keep_spare(context)

    def lease_for(self, begin: m.Begin) -> Lease:
        """A card that nobody holds, else the CPU, for a side job."""
        return self._leases.idle(self._leases.standing(self._live.values()), begin)

    def order(self, live: LiveRun, order: m.Order) -> None:
        """Send an order to the run's worker."""
        self._boxes.put(f"worker-{live.run}", [m.encode(order)])

    def stop(self, live: LiveRun, by: str) -> None:
        """Have the run's worker save and end."""
        self.order(live, m.Order(verb="stop", by=by))

    def note(self, live: LiveRun, *events: ev.Event) -> None:
        """Write of a run that has no worker any more, and tell who watches it."""
        live.write(*events)
        self._pass_on(live)

    def pin(self, live: LiveRun, devices: str) -> None:
        """Let a waiting run have these devices, whatever its recipe says; raises Problem."""
        self.queue.pin(live, devices, self._leases.cards)

    def end_queued(self, live: LiveRun, by: str) -> None:
        """Take a run that has no worker off the queue."""
        state = live.state
        live.write(
            ev.Stopping(step=state.step, by=by, save=False),
            ev.Finished(
                run=live.run, outcome="stopped", steps=state.step, loss=state.mean_loss, adapter=None
            ),
        )
        self._pass_on(live)
        self._remove(live)

    def close(self) -> None:
        """Save everything; workers go on, the spare does not."""
        for live in self._live.values():
            self._save(live)
        self._workers.drop_spare()

    def _follow(self, live: LiveRun) -> None:
        if not live.directory.path.is_dir():
            self._vanished(live)
            return
        working = live.working
        self._pass_on(live)
        if live.device is not None and not working and not live.behind:
            self._bury(live)

    def _pass_on(self, live: LiveRun) -> None:
        """Read what is new, for a little while at most, and send it to those who watch."""
        end = time.monotonic() + _SLICE
        while True:
            number, lines = live.follow()
            if not lines:
                return
            watchers = self._fronts.watchers(live.run)
            self._fronts.send(watchers, m.Happened(run=live.run, number=number, lines=lines))
            if time.monotonic() > end:
                return

    def _bury(self, live: LiveRun) -> None:
        """The worker is gone: its last word stands, or we say for it what is known."""
        self._pass_on(live)
        if self._starting.has_fetched(live):
            live.release()
            live.write(ev.Queued(reason=WAITS))
            self._pass_on(live)
            return
        if live.state.outcome is None:
            with live.directory.working() as free:
                if not free:
                    live.let_go()
                    return
                code, directory = live.exit_code, live.directory
                live.write(
                    postmortem.failure(directory, live.state, code, killed=live.killed, hung=live.hung)
                )
            self._pass_on(live)
        self._remove(live)

    def _remove(self, live: LiveRun) -> None:
        self.ended(live)
        live.directory.mark_ended()
        del self._live[live.run]
        self._boxes.close(f"worker-{live.run}")
        self._save(live)
        self._fronts.send_apps(m.Runs(rows=[row_of(live.state)]))

    def _vanished(self, live: LiveRun) -> None:
        """Someone removed the run's directory by hand: there is nothing left to follow."""
        logging.warning("run %s: its directory is gone", live.run)
        live.kill()
        live.directory.mark_ended()
        del self._live[live.run]
        self._boxes.close(f"worker-{live.run}")
        self._store.forget(live.run)
        gone = m.Runs(rows=[], gone=[live.run], total=self._store.count())
        self._fronts.send_apps(gone)

    def _save(self, live: LiveRun) -> None:
        with self._troubles.borne():
            self._store.save(live.state, row_of(live.state, silent=live.silent))
            live.changed = False
        live.saved = time.monotonic()

    def _start_waiting(self) -> None:
        """Start what waits, in its order, on the devices that are free; none that could not write a line."""
        waiting = [live for live in self.queue.waiting() if not live.state.held]
        if not waiting:
            return
        if not room.fits(room.Need(what="a run", bytes=_FIRST_WORDS, folder=self._root)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._root))
        standing = self._leases.standing(self._live.values())
        end = time.monotonic() + _SLICE
        for live in waiting:
            if live.behind or (live.recipe is None and time.monotonic() > end):
                return  # what comes before it in the queue is not known yet
            try:
                if live.state.status != "queued":
                    live.device = live.state.device  # its worker ended while there was no engine
                    self._bury(live)
                else:
                    self._starting.begin(live, standing)
            except Problem as problem:
                self._cannot_start(live, problem)
            except OSError as error:
                live.give_up(error)
                self._remove(live)

    def _cannot_start(self, live: LiveRun, p: Problem) -> None:
        steps = live.state.step
        live.write(ev.Failed(run=live.run, steps=steps, what=p.what, where=p.where, why=p.why, do=p.do))
        self._pass_on(live)
        self._remove(live)

    def _tell_rows(self) -> None:
        now = time.monotonic()
        if not self._fronts.apps or now < self._next_rows or not self._live:
            return
        self._next_rows = now + _ROWS
        changed = []
        for live in self._live.values():
            row = row_of(live.state, silent=live.silent)
            if row != live.told:
                live.told = row
                changed.append(row)
        if changed:
            self._fronts.send_apps(m.Runs(rows=changed))
