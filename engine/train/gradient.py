"""The gradient of one step, in as many micro-batches as memory asks for."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from engine import faults
from engine.findings import Finding
from engine.train.batches.cut import cut, share
from engine.train.memory.exhausted import out_of_memory
from engine.train.objectives.loss import summed_loss
from engine.train.session import Session


def step_gradient(session: Session, rows: list[int], labels: int) -> tuple[torch.Tensor, int]:
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
