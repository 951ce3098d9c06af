"""Puts a session on disk: checkpoints to go on from, and the verified adapter to take away."""

from __future__ import annotations

import time
from pathlib import Path

from engine import events as ev
from engine import faults
from engine.atomic import draft, draft_of, publish
from engine.train import adapter, randomness
from engine.train.checkpoint import (
    Manifest,
    complete,
    folder_name,
    keep_newest,
    write_randomness,
    write_states,
)
from engine.train.session import Session, recipe_digest
from engine.train.verify import verify


def save_checkpoint(session: Session) -> None:
    """Write a checkpoint of the current step, unless there is one."""
    if session.saved != session.step:
        _save(session)
    session.listener.saved()


def _save(session: Session) -> None:
    session.ledger.settle()
    began = time.monotonic()
    target = session.job.checkpoints / folder_name(session.step)
    with session.apart("saving"):
        if session.machine.rank == 0:
            size = _first_rank(session, target)
            session.journal(
                ev.Saved(step=session.step, path=str(target), bytes=size, seconds=time.monotonic() - began)
            )
        else:
            _other_rank(session, target)
        session.machine.wait()
    session.saved = session.step


def save_adapter(session: Session) -> Path:
    """Write the adapter, look at it as a stranger would, and only then put it in its place.

    Raises:
        Refusal: it is not sound, or learnt nothing.
    """
    target = session.job.adapter
    if session.machine.rank == 0:
        with draft(target) as folder:
            live = adapter.write(folder, session.student.peft, session.job.recipe.model)
            faults.writing("adapter", folder)
            for finding in verify(folder, live, session.initial):
                session.journal.found(finding)
            publish(folder, target)
    session.machine.wait()
    return target.absolute()


def _first_rank(session: Session, target: Path) -> int:
    machine = session.machine
    with draft(target) as folder:
        machine.wait()
        adapter.write(folder, session.student.peft, session.job.recipe.model)
        faults.writing("checkpoint", folder)
        write_states(folder, session.optimizer.state())
        write_randomness(folder, 0, randomness.state(machine))
        machine.wait()
        size = complete(folder, target, _manifest(session))
    faults.checkpoint(target)
    keep_newest(session.job.checkpoints, session.step, session.recipe.save_total_limit)
    return size


def _other_rank(session: Session, target: Path) -> None:
    session.machine.wait()
    write_randomness(draft_of(target), session.machine.rank, randomness.state(session.machine))
    session.machine.wait()


def _manifest(session: Session) -> Manifest:
    return Manifest(
        step=session.step,
        position=session.position,
        recipe=recipe_digest(session.job.recipe),
        data=session.data_digest,
        day=session.day,
        initial=session.initial,
        best=session.best,
        losses=list(session.ledger.losses),
        good=session.ledger.good,
        passed_over=session.ledger.passed_over,
        measured=session.measured,
        shown=session.shown,
        budget=session.budget,
    )
