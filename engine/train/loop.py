"""The training loop, from a job to a verified adapter."""

from __future__ import annotations

import torch

from engine.events import Failed, Finished
from engine.job import Job, Orders, Report
from engine.schedule import rate_at
from engine.train.ending import ended, left_early
from engine.train.explain import broken_step, explain
from engine.train.gradient import step_gradient
from engine.train.guard.ledger import BrokenStep, Entry
from engine.train.guard.padding import prove_padding
from engine.train.guard.recovery import make_ready, recovering
from engine.train.guard.steering import steer
from engine.train.journal import Journal
from engine.train.listening import LeftEarly, Listener
from engine.train.looking.looks import measure, show
from engine.train.looking.range_test import tested
from engine.train.memory.rehearsal import rehearse
from engine.train.opening import open_session
from engine.train.saving.save import save_checkpoint
from engine.train.saving.sizes import check_room
from engine.train.session import Session


def train(job: Job, report: Report, orders: Orders) -> Finished | Failed:
    """Train the job's adapter, going on from its newest complete checkpoint if it has one.

    Everything on the way is reported; the last event is returned, for the caller to report once
    nothing else can go wrong. No exception leaves this function but those that end a process.
    """
    journal = Journal(report)
    listener = Listener(orders, journal)
    try:
        session = open_session(job, journal, listener)
        check_room(session)
    except LeftEarly:
        return left_early(job, journal, listener)
    except Exception as error:
        return explain(error, job, journal)
    try:
        return _trained(session)
    except BrokenStep as error:
        if session.tests_rates:
            return tested(session)  # the rate at which a step breaks is what it was to find
        named = [": ".join(session.named(row)) for row in error.rows]
        return explain(broken_step(error, named, job.recipe), job, journal, session.ledger.mean_loss)
    except Exception as error:
        return explain(error, job, journal, session.ledger.mean_loss)


def _trained(session: Session) -> Finished | Failed:
    rehearse(session)
    session.journal.phase("training")
    if session.step == 0:
        prove_padding(session)
        measure(session)
        show(session)
    else:
        session.listener.agree(session.machine)
        _due(session)  # a run that was asked to leave has left it out
    make_ready(session)
    session.lap()
    while session.step < session.steps and not session.enough and not _leaving(session):
        with recovering(session):
            _step(session)
            _between(session)
    return ended(session)


def _step(session: Session) -> None:
    """One optimizer step: the objective's mean loss over its rows, however they are cut."""
    data = session.data.train
    begins = session.position
    rows, session.position = session.feed.take(begins)
    if session.course.passes_over(begins, len(rows)):
        session.count_step()
        session.lap()
        return
    means, micro_batches = step_gradient(session, rows)
    session.count_step()
    rate = rate_at(session.step, session.recipe, session.steps) * session.course.factor(session.step)
    figures = torch.cat([session.optimizer.step(means[0], rate), means[1:]])
    entry = Entry(
        step=session.step,
        rate=rate,
        rows=rows,
        tokens=sum(data.length(row) for row in rows),
        label_tokens=sum(data.labels(row) for row in rows),
        epoch=session.epoch,
        seconds=session.lap(),
        micro_batches=micro_batches,
        names=session.objective.figures,
    )
    session.ledger.enter(entry, figures)


def _between(session: Session) -> None:
    """What is due after a step; the last step's evaluation and checkpoint belong to the end."""
    session.listener.agree(session.machine)
    steer(session)
    if session.step == session.steps:
        session.ledger.settle()
    _due(session)


def _due(session: Session) -> None:
    """Evaluation, samples and checkpoint of the present step, those of them that it has not had."""
    recipe, step = session.recipe, session.step
    if session.listener.leaving or step == session.steps:
        return
    best = recipe.eval_steps > 0 and step % recipe.eval_steps == 0 and measure(session)
    if recipe.sample_steps > 0 and step % recipe.sample_steps == 0:
        show(session)
    due = recipe.save_steps > 0 and step % recipe.save_steps == 0
    if best and recipe.takes_best:
        session.saved = -1  # one that was written on leaving does not know its loss
    if session.listener.save or due or (best and recipe.takes_best):
        save_checkpoint(session)


def _leaving(session: Session) -> bool:
    session.listener.listen()
    session.listener.agree(session.machine)
    return session.listener.leaving is not None
