"""The training loop, from a job to a verified adapter."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from engine import faults
from engine.events import Failed, Finished
from engine.findings import Finding
from engine.job import Job, Orders, Report
from engine.train.batches import cut, share
from engine.train.explain import broken_step, explain
from engine.train.journal import Journal
from engine.train.ledger import BrokenStep, Entry
from engine.train.listening import Listener
from engine.train.loss import summed_loss
from engine.train.memory import out_of_memory
from engine.train.saving import save_adapter, save_checkpoint, take_best
from engine.train.schedule import learning_rate
from engine.train.session import LeftEarly, Session, open_session
from engine.train.sizes import check_room
from engine.train.watching import measure, show


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
        return _left_early(job, journal, listener)
    except Exception as error:
        return explain(error, job, journal)
    try:
        return _trained(session)
    except BrokenStep as error:
        named = [_named(session, row) for row in error.rows]
        return explain(broken_step(error, named), job, journal, session.ledger.mean_loss)
    except Exception as error:
        return explain(error, job, journal, session.ledger.mean_loss)


def _trained(session: Session) -> Finished | Failed:
    session.journal.phase("training")
    if session.step == 0:
        measure(session)
        show(session)
    session.lap()
    while session.step < session.steps and not _leaving(session):
        _step(session)
        _between(session)
    session.ledger.settle()
    return _ended(session)


def _step(session: Session) -> None:
    """One optimizer step: the mean loss over the label tokens of its rows, however they are cut."""
    data = session.data.train
    rows, session.position = session.feed.take(session.position)
    labels = sum(data.labels(row) for row in rows)
    loss, micro_batches = _gradient(session, rows, labels)
    session.step += 1
    session.journal.step = session.step
    rate = learning_rate(
        session.step,
        peak=session.recipe.learning_rate,
        steps=session.steps,
        warmup=session.warmup,
        kind=session.recipe.lr_scheduler_type,
    )
    figures = session.optimizer.step(loss, rate)
    entry = Entry(
        step=session.step,
        rate=rate,
        rows=rows,
        tokens=sum(data.length(row) for row in rows),
        label_tokens=labels,
        epoch=session.epoch,
        seconds=session.lap(),
        micro_batches=micro_batches,
    )
    session.ledger.enter(entry, figures)


def _gradient(session: Session, rows: list[int], labels: int) -> tuple[torch.Tensor, int]:
    """Gradients of the step's loss, its value, and the micro-batches it took.

    Where memory runs out, the same rows are taken in micro-batches of half the size.
    """
    data, machine = session.data.train, session.machine
    mine = share(rows, data.length, machine.rank, machine.world)
    while True:
        # A rank without rows still takes part, with a row of which it learns nothing.
        pieces = cut(mine or rows[:1], data.length, session.budget)
        try:
            return _accumulated(session, pieces, labels, teaches=bool(mine)), len(pieces)
        except (RuntimeError, MemoryError) as error:
            smallest = all(len(piece) == 1 for piece in pieces)
            if machine.world > 1 or smallest or not out_of_memory(error):
                raise
        _halve(session)


def _accumulated(session: Session, pieces: list[list[int]], labels: int, *, teaches: bool) -> torch.Tensor:
    machine, student = session.machine, session.student
    total = torch.zeros((), device=machine.device)
    for at, piece in enumerate(pieces):
        session.listener.listen()
        micro = session.collator.micro(piece, labels=teaches)
        with _synchronised(session, last=at + 1 == len(pieces)):
            with machine.autocast():
                loss = summed_loss(student.wrapped, student.labelled, micro) / labels
            loss = faults.micro_batch(loss, session.step + 1, map(session.data.train.source, piece))
            # Ranks average their gradients, and what is wanted is their sum.
            session.optimizer.backward(loss * machine.world)
        total += loss.detach()
    return machine.total(total)


def _between(session: Session) -> None:
    """What is due after a step; the last step's evaluation and checkpoint belong to the end."""
    recipe, step = session.recipe, session.step
    session.listener.agree(session.machine)
    if session.listener.leaving or step == session.steps:
        return
    best = recipe.eval_steps > 0 and step % recipe.eval_steps == 0 and measure(session)
    if recipe.sample_steps > 0 and step % recipe.sample_steps == 0:
        show(session)
    due = recipe.save_steps > 0 and step % recipe.save_steps == 0
    if session.listener.save or due or (best and recipe.load_best_model_at_end):
        save_checkpoint(session)


def _ended(session: Session) -> Finished | Failed:
    """Measure, save and verify; a run that was asked to leave only saves."""
    job, journal, listener = session.job, session.journal, session.listener
    if not listener.leaving:
        measure(session)
        show(session)
    if session.step == 0:
        return _left_early(job, journal, listener)
    save_checkpoint(session)
    if listener.leaving == "interrupt":
        return _interrupted(session, "Interrupted")
    take_best(session)
    journal.phase("saving", "the adapter")
    path = save_adapter(session)
    if path is None:
        return _interrupted(session, "Stopped without an adapter")
    return Finished(
        run=job.run,
        outcome="succeeded" if session.step == session.steps else "stopped",
        steps=session.step,
        loss=session.ledger.mean_loss,
        adapter=str(path),
        findings=journal.findings,
    )


def _interrupted(session: Session, word: str) -> Failed:
    """The end of a run that can be resumed: at its last step, or where the disk last had room for it."""
    if session.saved == session.step:
        saved = "a checkpoint is saved"
    elif session.saved > 0:
        saved = f"the disk had no room, and the last checkpoint is of step {session.saved}"
    else:
        saved = "the disk had no room, and there is no checkpoint"
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


def _left_early(job: Job, journal: Journal, listener: Listener) -> Finished | Failed:
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


def _leaving(session: Session) -> bool:
    session.listener.listen()
    session.listener.agree(session.machine)
    return session.listener.leaving is not None


def _synchronised(session: Session, *, last: bool) -> AbstractContextManager[None]:
    """Gradients cross ranks only with the last micro-batch of a step."""
    if last or session.machine.world == 1:
        return nullcontext()
    apart: AbstractContextManager[None] = session.machine.accelerator.no_sync(session.student.wrapped)
    return apart


def _halve(session: Session) -> None:
    session.optimizer.discard()
    if session.machine.device.type == "cuda":
        torch.cuda.empty_cache()
    session.budget = max(session.budget // 2, 1)
    session.journal.found(
        Finding(
            category="oom",
            severity="warning",
            title=f"Memory ran out; micro-batches now hold at most {session.budget:,} tokens",
            cause="A micro-batch did not fit on the device.",
            remedy="Nothing: the step was done again in smaller pieces, and its result is the same.",
            step=session.step + 1,
        )
    )


def _named(session: Session, row: int) -> str:
    data = session.data.train
    return f"{data.source(row)}: {session.tokenizer.preview(data.row(row)[0], 60)}"
