"""The loss on held-out rows, measured without a trace in the training's random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from engine.train.batches.collate import Collator
from engine.train.machine import Machine
from engine.train.model.student import Student
from engine.train.objectives.loss import summed_loss


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """The model without dropout and gradients inside, so that nothing draws the training's random numbers."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def held_out_loss(
    student: Student,
    pieces: Sequence[Sequence[int]],
    collator: Collator,
    machine: Machine,
    go_on: Callable[[], bool],
) -> tuple[float, int] | None:
    """Mean loss in nats over the label tokens of the rows in `pieces`, on all ranks, and their number.

    Args:
        pieces: micro-batches of this rank.
        go_on: asked before each micro-batch; False ends the measurement without a result.
    """
    total = torch.zeros((), dtype=torch.float64, device=machine.device)
    labels = 0
    with at_rest(student.peft), machine.autocast():
        for rows in pieces:
            if not go_on():
                return None
            micro = collator.micro(rows)
            total += summed_loss(student.peft, student.labelled, micro).double()
            labels += micro.targets.numel()
    count = torch.tensor(float(labels), dtype=torch.float64, device=machine.device)
    summed, counted = machine.total(torch.stack([total, count])).tolist()
    return summed / max(counted, 1.0), int(counted)
