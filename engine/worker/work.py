"""Does a run's job in this process, from its lock to its last word."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from engine import __version__, faults
from engine import events as ev
from engine.data.refusal import Refusal
from engine.event_log import EventReader, EventWriter
from engine.findings import Finding
from engine.hub.ready import pinned_to
from engine.job import Job
from engine.leases.cards import ranks_in
from engine.leases.locks import hold_shown
from engine.paths import tokens_folder
from engine.problem import Problem
from engine.recipe import Recipe, read
from engine.run_dir import RunDir
from engine.worker.fetching import LeftEarly, leave_if_asked, model_folder, with_data
from engine.worker.nodes import Node
from engine.worker.orders import OrderBook
from engine.worker.pulse import Pulse
from engine.worker.rank import follow, leave_with_leader, take_signals
from engine.worker.ranks import RESUMABLE, accompany, first_failure, lead

DONE: Final = 0
FAILED: Final = 1
_ALONE: Final = Node()
_LOOK: Final = 0.2
TAKEN: Final = 3
"""Another process works on the run already."""

_PACKAGES: Final = ("torch", "transformers", "peft", "accelerate", "tokenizers")


def work(folder: Path, device: str, *, spare: bool, node: Node = _ALONE) -> int:
    """Do the job in `folder`, or this machine's part of it, and return the worker's exit status."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    directory = RunDir(folder.parent.parent, folder.name)
    if node.number > 0:
        hold_shown(device)
        return accompany(directory, device, node)
    with directory.working() as mine:
        if not mine:
            return TAKEN
        hold_shown(device)
        record = directory.write_worker(device)
        directory.mark_live()
        started = ev.Started(
            pid=record.pid, host=record.host, device=device, versions=_versions(), spare=spare
        )
        if ranks_in(device) > 1 or node.count > 1:
            return lead(directory, device, started, node)
        return _spoken(directory, device, started)


def work_as_rank(folder: Path, device: str, rank: int) -> int:
    """Do one rank's part of the job, whose lock another process holds."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    leave_with_leader()
    directory = RunDir(folder.parent.parent, folder.name)
    return _spoken(directory, device, None) if rank == 0 else follow(directory, device, rank)


def _spoken(directory: RunDir, device: str, started: ev.Started | None) -> int:
    """Do the job and tell of it, from the first event to the last."""
    events = EventWriter(directory.events)
    if started is not None:
        events.write(started)
    book = OrderBook(directory, events)
    outcome = _outcome(directory, device, events, book)
    if outcome is not None and _told(outcome, events, book) and not _awaits_repair(directory, outcome):
        directory.mark_ended()
    events.close()
    return DONE if outcome is None else _status(outcome)


def _awaits_repair(directory: RunDir, outcome: ev.Event) -> bool:
    """True where the engine, this one or the next, is to see the end and begin a run that mends it."""
    if not isinstance(outcome, ev.Failed) or outcome.interrupted:
        return False
    try:
        return read(directory.recipe).recipe.on_failure == "repair"
    except (Problem, OSError):
        return False


def _told(outcome: ev.Event, events: EventWriter, book: OrderBook) -> bool:
    """Write the last event, however long the disk has no room; False where someone leaves before that."""
    events.write(outcome)
    while events.refused is not None and events.short():
        order = book.next()
        if order is not None and order[0] in ("stop", "interrupt"):
            return False
        time.sleep(_LOOK)
    return True


def _outcome(
    directory: RunDir, device: str, events: EventWriter, book: OrderBook
) -> ev.Finished | ev.Failed | None:
    """Fetch the model, train, and turn whatever happens into the last event; None where more is to come.

    Without a device the worker's part is done with the fetch, and the run waits for another worker.
    """
    pulse = Pulse(events)
    try:
        faults.arm(faults.asked(os.environ), pulse.report, EventReader(directory.events))
        recipe = read(directory.recipe).resolved()
        pulse.start()
        book.listen()
        take_signals()
        folder = model_folder(directory, recipe, pulse.report, book)
        recipe = with_data(directory, recipe, pulse.report, book)
        if device == ev.HUB:
            leave_if_asked(directory, pulse.report, book)
            return None
        pulse.report(ev.Phase(name="loading libraries"))
        faults.phase("loading libraries")
        from engine.train.loop import train

        outcome = train(job_of(directory, recipe, folder, device), pulse.report, book)
    except LeftEarly as left:
        outcome = left.outcome
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        outcome = never_began(directory, error)
    finally:
        if missed := faults.missed():
            pulse.report(ev.Log(text=f"These faults did not come about: {missed}.", level="warning"))
        pulse.stop()
    outcome = msgspec.structs.replace(outcome, findings=[*faults.findings(), *outcome.findings])
    if isinstance(outcome, ev.Finished):
        return outcome
    outcome = first_failure(directory, outcome)
    resumable = outcome.resumable or directory.resumable()
    return msgspec.structs.replace(outcome, resumable=resumable, log=str(directory.console))


def job_of(directory: RunDir, recipe: Recipe, folder: Path, device: str) -> Job:
    """What the loop is given, with the model in `folder`."""
    pinned = pinned_to(directory, recipe)
    return Job(
        run=directory.run,
        folder=directory.path,
        recipe=recipe,
        fetched=folder,
        revision=pinned.revision if pinned else None,
        tokens=tokens_folder(directory.root),
        device=device,
    )


def never_began(directory: RunDir, error: Exception) -> ev.Failed:
    """Why the loop could not even be entered; what goes wrong inside, the loop explains itself."""
    if isinstance(error, Problem):
        what, where, why, do = error.what, error.where, error.why, error.do
    elif isinstance(error, ImportError) and (error.name or "").split(".")[0] == __name__.split(".")[0]:
        what, where, why = "OpenLoRA was replaced while the run began.", sys.prefix, f"{error}."
        do = "Resume the run: it begins with what is installed now."
    elif isinstance(error, ImportError):
        what, where, why = "The training packages cannot be imported.", sys.executable, f"{error}."
        do = "Install them: pip install 'openlora-tui[train]'."
    else:
        what, where, why = "The job could not begin.", "", f"{type(error).__name__}: {error}."
        do = "The console has the whole of it; please report it."
    found = [_finding(error)] if isinstance(error, Refusal) else []
    if isinstance(error, ImportError):
        refusal = Refusal("dependency_version", what, where=where, why=why, do=do)
        found = [_finding(refusal)]
    return ev.Failed(run=directory.run, steps=0, what=what, where=where, why=why, do=do, findings=found)


def _finding(refusal: Refusal) -> Finding:
    return Finding(
        category=refusal.category,
        severity="blocker",
        title=refusal.what,
        evidence=[text for text in (refusal.where, refusal.why) if text],
        cause=refusal.why,
        remedy=refusal.do,
        patch=refusal.patch,
    )


def _status(outcome: ev.Finished | ev.Failed) -> int:
    if isinstance(outcome, ev.Finished):
        return DONE
    return RESUMABLE if outcome.interrupted and outcome.resumable else FAILED


def _versions() -> dict[str, str]:
    found = {"openlora": __version__, "python": sys.version.split()[0]}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
