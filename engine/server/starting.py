"""Gives a waiting run what it needs next: its model, then devices, then a worker."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from engine import events as ev
from engine import room
from engine.client.context import environment
from engine.hub.cache import read_json
from engine.hub.ready import ready
from engine.hub.ready_data import bound_here
from engine.leases.asked import asked
from engine.leases.cards import Lease
from engine.leases.standing import Standing, Waits
from engine.memory.formula import BAND, predicted
from engine.recipe import Recipe, read
from engine.run_dir import RunDir
from engine.server.leases import Leases
from engine.server.live import LiveRun
from engine.server.workers import Workers, no_worker


class Starting:
    """Starts runs; each method may raise a Problem that says why a run can never start."""

    def __init__(self, workers: Workers, leases: Leases) -> None:
        self._workers = workers
        self._leases = leases

    def begin(self, live: LiveRun, standing: Standing) -> None:
        """Start the run, or say what it waits for.

        Raises:
            Problem: it cannot start, now or later.
            OSError: a disk without room.
        """
        if not self.has_model(live):
            self._fetch(live)
            return
        wanted = asked(live.state.pinned or self._recipe(live).devices)
        got = self._leases.grant(standing, live, wanted)
        if isinstance(got, Waits):
            if live.state.reason != got.reason:
                live.write(ev.Queued(reason=got.reason))
        else:
            self._start(live, got)

    def has_model(self, live: LiveRun) -> bool:
        """True where the run's model and datasets lie here, to which the run is bound from now on."""
        if not live.has_model:
            events = bound_here(live.directory, self._recipe(live), environment(os.environ, live.context))
            if events is not None:
                live.write(*events)
                live.has_model = True
                live.need = _need(live.directory, self._recipe(live), live.context.env)
        return live.has_model

    def has_fetched(self, live: LiveRun) -> bool:
        """True where its worker was there for the model alone, and has it."""
        return live.fetching and live.state.outcome is None and not live.killed and self.has_model(live)

    def _recipe(self, live: LiveRun) -> Recipe:
        live.recipe = live.recipe or read(live.directory.recipe).recipe
        return live.recipe

    def _fetch(self, live: LiveRun) -> None:
        try:
            process = self._workers.fetch(live.directory, live.context)
        except OSError as error:
            if room.refusal(error):
                raise
            raise no_worker(live.context, error) from error
        logging.info("run %s: worker %d fetches its model", live.run, process.pid)
        live.take(process, ev.HUB)

    def _start(self, live: LiveRun, lease: Lease) -> None:
        try:
            process, spare = self._workers.start(live.directory, live.context, lease)
        except OSError as error:
            if room.refusal(error):
                raise
            raise no_worker(live.context, error) from error
        how = " (spare)" if spare else ""
        logging.info("run %s: worker %d on %s%s", live.run, process.pid, lease.name, how)
        live.take(process, lease.name)


def _need(directory: RunDir, recipe: Recipe, env: Mapping[str, str]) -> int | None:
    """Bytes that the run will hold of a card, at the upper end of the formula's band; None where unknown."""
    folder = ready(directory, recipe, env)
    config = read_json(folder / "config.json") if folder is not None else {}
    try:
        parts = predicted(recipe, config, cuda=True) if config else None
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None  # a configuration of someone's own making must not end the engine
    return None if parts is None else int(parts.peak * BAND[1])
