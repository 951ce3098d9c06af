"""The objective on held-out rows, measured without a trace in the training's random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from engine import faults
from engine.train.batches.collate import Collator
from engine.train.machine import Machine
from engine.train.model.student import Student
from engine.train.objectives.objective import Objective


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


def held_out_sums(
    objective: Objective,
    student: Student,
    pieces: Sequence[Sequence[int]],
    collator: Collator,
    machine: Machine,
    go_on: Callable[[], bool],
) -> torch.Tensor | None:
    """(1 + F,): the objective's loss and figures, summed over the rows in `pieces`.

    Args:
        pieces: micro-batches of this rank.
        go_on: asked before each micro-batch; False ends the measurement without a result.
    """
    total = torch.zeros(1 + len(objective.figures), dtype=torch.float64, device=machine.device)
    with at_rest(student.peft), machine.autocast():
        for rows in pieces:
            if not go_on():
                return None
            faults.beside()
            loss, figures = objective.summed(student.peft, student.labelled, collator.micro(rows))
            total += torch.cat([loss[None], figures]).double()
    return total
