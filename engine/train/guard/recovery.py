"""After a step that spoilt the run: back to the last good checkpoint, and on in another way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engine import events as ev
from engine.findings import Finding
from engine.train.guard.course import Passed
from engine.train.guard.ledger import BrokenStep
from engine.train.guard.steering import keep_course
from engine.train.saving.checkpoint import Checkpoint, folder_name, sound_before
from engine.train.saving.restore import restore
from engine.train.saving.save import save_checkpoint
from engine.train.session import Session

_MOST: Final = 3
"""Returns in a run; a fault that comes back more often is not one of single rows."""
_LOWER: Final = 0.5
_CURABLE: Final = frozenset({"nan_or_inf", "loss_spike_divergence"})


def make_ready(session: Session) -> None:
    """See to it that there is a checkpoint to return to, where the recipe may ask for that."""
    if session.step == 0 and _goes_back(session):
        save_checkpoint(session)


@contextmanager
def recovering(session: Session) -> Iterator[None]:
    """A step that breaks inside sends the run back to a checkpoint, as far as the recipe allows.

    Raises:
        BrokenStep: it does not, or has been three times, or there is no checkpoint from before.
    """
    try:
        yield
    except BrokenStep as broken:
        wished = _goes_back(session) and broken.kind in _CURABLE
        if not wished or session.course.returns >= _MOST:
            raise
        good = sound_before(session.job.checkpoints, broken.sign.onset, broken.step)
        if good is None:
            raise
        _go_back(session, broken, good)


def _goes_back(session: Session) -> bool:
    """Whether a broken step sends the run back; a test of rates looks for the one that breaks it."""
    return session.recipe.on_divergence != "stop" and not session.tests_rates


def _go_back(session: Session, broken: BrokenStep, good: Checkpoint) -> None:
    told = session.ledger.finding(broken.sign)
    restore(session, good)
    session.ledger.forget()
    _forget_later(session)
    session.course.back_to(session.step)
    action = _skip(session, broken) if session.recipe.on_divergence == "skip" else _slow_down(session)
    keep_course(session)
    session.journal(
        ev.RolledBack(
            step=session.step,
            broken=broken.step,
            reason=broken.sign.title,
            action=action,
            path=str(good.path),
            rate=session.course.peak(session.step + 1),
        )
    )
    session.journal.found(_finding(told, broken, session, action))
    session.lap()


def _slow_down(session: Session) -> str:
    rate = session.course.peak(session.step + 1) * _LOWER
    session.course.turn(session.step, rate)
    return f"with learning_rate {rate:.3g}"


def _skip(session: Session, broken: BrokenStep) -> str:
    """Pass over the batch that broke, or all since the loss began to rise."""
    first = broken.step if broken.kind == "nan_or_inf" else min(broken.sign.onset + 1, broken.step)
    at = session.position
    for step in range(session.step + 1, broken.step + 1):
        rows, after = session.feed.take(at)
        if step >= first:
            session.course.passed.append(Passed(at.epoch, at.seen, at.seen + len(rows)))
        at = after
    many = broken.step - max(first, session.step + 1) + 1
    return "without its batch" if many == 1 else f"without the batches of the last {many} steps"


def _forget_later(session: Session) -> None:
    """Remove the checkpoints of the steps that are done anew: a resume would go on from them."""
    if session.machine.rank == 0:
        for path in session.job.checkpoints.glob("step-*"):
            if path.name > folder_name(session.step):
                shutil.rmtree(path, ignore_errors=True)
    session.machine.wait()


def _finding(told: Finding, broken: BrokenStep, session: Session, action: str) -> Finding:
    left = _MOST - session.course.returns
    return Finding(
        category=told.category,
        severity="warning",
        title=f"Step {broken.step:,} spoilt the run, which went back to step {session.step:,}",
        evidence=[told.title, *told.evidence],
        cause=told.cause,
        remedy=f"It goes on {action}; it may go back {left} more times.",
        count=told.count,
        places=told.places,
    )
