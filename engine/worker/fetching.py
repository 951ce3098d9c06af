"""Sees to it that a run's model lies in a folder here, before anything heavy is imported for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import events as ev
from engine import faults
from engine.hub.ready import FETCHING, bound, pinned_to, ready
from engine.hub.ready_data import FETCHING_DATA, bind_datasets, bound_recipe, missing_datasets
from engine.job import Orders, Report
from engine.recipe.recipe import Recipe
from engine.run_dir import RunDir
from engine.sources.entry import Entry
from engine.sources.resolve import Purpose
from engine.text import amount

if TYPE_CHECKING:
    from engine.hub.plan import Plan

_EVERY: Final = 1.0


class LeftEarly(Exception):
    """A fetch was told to end; `outcome` is the run's last event."""

    def __init__(self, outcome: ev.Finished | ev.Failed) -> None:
        super().__init__()
        self.outcome = outcome


def model_folder(directory: RunDir, recipe: Recipe, report: Report, orders: Orders) -> Path:
    """The folder with the run's model, fetched from the hub where it is not here.

    Raises:
        Refusal: the hub, the network or the disk does not let it be fetched.
        LeftEarly: it was told to end; what has come is kept.
    """
    folder = ready(directory, recipe) or _fetched(directory, recipe, report, orders)
    for event in bound(directory, recipe, folder):
        report(event)
    return folder


def with_data(directory: RunDir, recipe: Recipe, report: Report, orders: Orders) -> Recipe:
    """The recipe with its datasets at commits that lie here, fetched from the hub where they did not.

    Raises:
        Refusal: the hub, the network or the disk does not let them be fetched, or several could be meant.
        LeftEarly: it was told to end; what has come is kept.
    """
    for entry, purpose in list(missing_datasets(directory, recipe)):
        exact = _fetched_data(directory, entry, purpose, report, orders)
        for text in bind_datasets(directory, recipe, {entry: exact}):
            report(ev.Log(text=text))
    for text in bind_datasets(directory, recipe):
        report(ev.Log(text=text))
    return bound_recipe(directory, recipe)


def _fetched_data(directory: RunDir, entry: Entry, purpose: Purpose, report: Report, orders: Orders) -> Entry:
    from engine.hub.dataset_plan import dataset_plan

    report(ev.Phase(name=FETCHING_DATA, detail=entry.path))
    wanted = dataset_plan(entry, purpose)
    for line in wanted.said:
        report(ev.Log(text=line))
    _bring(directory, wanted.plan, report, orders)
    return wanted.entry


def leave_if_asked(directory: RunDir, report: Report, orders: Orders) -> None:
    """Raise LeftEarly where an order to end came too late for the fetch itself."""
    ended = _Ended(orders)
    if ended():
        raise LeftEarly(_left(directory, ended, report))


def _fetched(directory: RunDir, recipe: Recipe, report: Report, orders: Orders) -> Path:
    from engine.hub.plan import plan

    report(ev.Phase(name=FETCHING, detail=recipe.model))
    faults.phase(FETCHING)
    pinned = pinned_to(directory, recipe)
    revision, code = recipe.model_revision, recipe.trust_remote_code is not None
    wanted = plan(recipe.model, pinned.revision if pinned else revision, code=code)
    return _bring(directory, wanted, report, orders)


def _bring(directory: RunDir, wanted: Plan, report: Report, orders: Orders) -> Path:
    from engine.hub.fetch import Cancelled, fetch
    from engine.hub.plan import check_room, room

    sizes = f"{amount(wanted.total)}, of which {amount(wanted.here)} are here; {amount(room(wanted))} free"
    report(ev.Log(text=f"{wanted.model} at commit {wanted.revision[:12]}: {sizes} in {wanted.folder.parent}"))
    check_room(wanted)
    ended = _Ended(orders)
    try:
        return fetch(wanted, _Teller(report), ended)
    except Cancelled:
        raise LeftEarly(_left(directory, ended, report)) from None


def _left(directory: RunDir, ended: _Ended, report: Report) -> ev.Finished | ev.Failed:
    if ended.word == "stop":
        report(ev.Stopping(step=0, by=ended.by, save=False))
        return ev.Finished(run=directory.run, outcome="stopped", steps=0, loss=None, adapter=None)
    return ev.Failed(
        run=directory.run,
        steps=0,
        what="Interrupted while the hub's files were being fetched; what has come is kept.",
        do="Resume the run to go on from there.",
        resumable=True,
        interrupted=True,
    )


class _Ended:
    """True once an order to end has come; a fetch has nothing to pause or to save."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.word = self.by = ""

    def __call__(self) -> bool:
        while not self.word and (order := self._orders.next()) is not None:
            if order[0] == "wait":
                break
            if order[0] in ("stop", "interrupt"):
                self.word, self.by = order
        return bool(self.word)


class _Teller:
    """Reports how far the fetch is, about once a second while something comes or the rate still falls."""

    def __init__(self, report: Report) -> None:
        self._report, self._next, self._told = report, 0.0, (-1, 0)

    def __call__(self, done: int, total: int, rate: float) -> None:
        now, known = time.monotonic(), (done, round(rate))
        if known == self._told or (now < self._next and done < total):
            return
        self._told, self._next = known, now + _EVERY
        self._report(ev.Progress(done=done, total=total, unit="bytes", rate=known[1]))
