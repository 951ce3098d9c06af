"""How a run ends: with a verified adapter, a checkpoint to go on from, or nothing to keep."""

from __future__ import annotations

from pathlib import Path

from engine.events import Failed, Finished
from engine.job import Job
from engine.train.journal import Journal
from engine.train.listening import Listener
from engine.train.looking.looks import measure, show
from engine.train.looking.range_test import tested
from engine.train.saving.save import save_adapter, save_checkpoint, take_best
from engine.train.session import Session
from engine.watch.point import Sign


def ended(session: Session) -> Finished | Failed:
    """Measure, save and verify; a run that was asked to leave only saves."""
    job, journal, listener = session.job, session.journal, session.listener
    if not listener.leaving:
        measure(session)
        show(session)
    if session.step == 0:
        return left_early(job, journal, listener)
    if session.tests_rates:
        return tested(session)
    if session.patience.out and session.step < session.steps:
        journal.found(session.patience.finding(session.step, session.best))
    save_checkpoint(session)
    if listener.leaving == "interrupt":
        return _interrupted(session, "Interrupted")
    take_best(session)
    journal.phase("saving", "the adapter")
    path = save_adapter(session)
    if path is None:
        return _interrupted(session, "Stopped without an adapter")
    in_vain = session.ledger.end()
    if in_vain and not listener.leaving:
        return _in_vain(session, in_vain, path)
    if in_vain and in_vain.mechanism == "diverged":
        journal.found(session.ledger.finding(in_vain))
    return Finished(
        run=job.run,
        outcome="succeeded" if session.step == session.steps or session.patience.out else "stopped",
        steps=session.step,
        loss=session.ledger.mean_loss,
        adapter=str(path),
        findings=journal.findings,
    )


def _in_vain(session: Session, nothing: Sign, path: Path) -> Failed:
    """The end of a run that took all its steps and learnt nothing; its adapter is there to be looked at."""
    session.journal.found(session.ledger.finding(nothing))
    return Failed(
        run=session.job.run,
        steps=session.step,
        what=nothing.title,
        why="; ".join(nothing.evidence),
        do=nothing.remedy,
        loss=session.ledger.mean_loss,
        adapter=str(path),
        findings=session.journal.findings,
        resumable=True,
    )


def _interrupted(session: Session, word: str) -> Failed:
    """The end of a run that can be resumed: at its last step, or where there last was room for it."""
    if session.saved == session.step:
        saved = "a checkpoint is saved"
    elif session.saved > 0:
        saved = f"there was no room to save it, and the last checkpoint is of step {session.saved}"
    else:
        saved = "there was no room to save it, and there is no checkpoint"
    return Failed(
        run=session.job.run,
        steps=session.step,
        what=f"{word} after step {session.step}; {saved}.",
        do="Resume the run to go on from there.",
        loss=session.ledger.mean_loss,
        findings=session.journal.findings,
        resumable=True,
        interrupted=True,
    )


def left_early(job: Job, journal: Journal, listener: Listener) -> Finished | Failed:
    """A run that was asked to leave before its first step has learnt nothing to keep."""
    if listener.leaving == "stop":
        found = journal.findings
        return Finished(
            run=job.run, outcome="stopped", steps=journal.step, loss=None, adapter=None, findings=found
        )
    return Failed(
        run=job.run,
        steps=journal.step,
        what="Interrupted before the first step.",
        do="Resume the run to begin.",
        findings=journal.findings,
        resumable=True,
        interrupted=True,
    )
