"""Orders that change how a run goes on: another learning rate."""

from __future__ import annotations

from engine import events as ev
from engine.train.session import Session


def steer(session: Session) -> None:
    """Take another rate that was asked for, from the next step on and over every resume."""
    rate, session.listener.rate = session.listener.rate, None
    if rate is None:
        return
    before = session.course.peak(session.step + 1)
    session.course.turn(session.step, rate)
    keep_course(session)
    session.journal(ev.Steered(step=session.step, rate=rate, before=before, by="a person"))


def keep_course(session: Session) -> None:
    """Write the course down; where the disk refuses, say so, for then it is lost with the worker."""
    if session.machine.rank != 0:
        return
    try:
        session.course.write(session.job.checkpoints)
    except OSError as error:
        session.journal.log(f"what was changed on the way could not be written: {error}", "warning")
