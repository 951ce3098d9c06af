"""The gradient of one step, in as many micro-batches as memory asks for."""

from __future__ import annotations

import math
from functools import partial

import torch

from engine import faults
from engine.train import randomness
from engine.train.batches.cut import share
from engine.train.memory.exhausted import Shortage, attempted
from engine.train.memory.relief import Unfit, relieve
from engine.train.session import Session


def step_gradient(session: Session, rows: list[int]) -> tuple[torch.Tensor, int]:
    """Gradients of the step's loss; the loss with the objective's figures behind it, and the micro-batches.

    Where memory runs out, the same rows are taken again as `relieve` has it, with the same random numbers.
    """
    data, machine = session.data.train, session.machine
    divisor = session.objective.divisor(data, rows)
    mine = share(rows, data.length, machine.rank, machine.world)
    drawn = randomness.state(machine)
    while True:
        # A rank without rows still takes part, with a row of which it learns nothing.
        pieces = session.collator.cut(mine or rows[:1], session.budget)
        total = accumulated(session, pieces, divisor, teaches=bool(mine))
        if not relieve(session, total if isinstance(total, Unfit) else None):
            break
        randomness.restore(drawn, machine)
    assert isinstance(total, torch.Tensor)
    machine.add_up(session.optimizer.parameters)
    return machine.total(total), len(pieces)


def accumulated(
    session: Session, pieces: list[list[int]], divisor: int, *, teaches: bool
) -> torch.Tensor | Unfit:
    """Add the gradients of `pieces`; their loss and figures, or the first that did not fit."""
    machine = session.machine
    total = torch.zeros(1 + len(session.objective.figures), device=machine.device)
    for piece in pieces:
        session.listener.listen()
        means = attempted(partial(_taught, session, piece, divisor, teaches=teaches))
        if isinstance(means, Shortage):
            if machine.sharded:  # the others wait in the middle of a pass, and cannot begin it again
                raise torch.OutOfMemoryError(means.said)
            return Unfit(len(piece), session.collator.tokens(piece), means.said)
        total += means
    for _ in range(machine.together(len(pieces))):
        _taught(session, pieces[0][:1], divisor, teaches=False)
    return total


def _taught(session: Session, piece: list[int], divisor: int, *, teaches: bool) -> torch.Tensor:
    """Add the gradients of one micro-batch; its share of the step's loss and figures."""
    student = session.student
    micro = session.collator.micro(piece, labels=teaches)
    with session.machine.autocast():
        loss, figures = session.objective.summed(student.peft, student.labelled, micro)
    share_of = divisor if teaches else math.inf  # what a row says that only keeps a rank company is nothing
    loss = loss / share_of
    loss = faults.micro_batch(loss, session.step + 1, map(session.data.train.source, piece))
    session.optimizer.backward(loss)
    return torch.cat([loss.detach()[None], figures / share_of])
