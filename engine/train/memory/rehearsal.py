"""Tries what takes the most memory before the first step, and leaves no trace of it.

What would fail in hour three fails in second ten: the largest micro-batches of the steps to come, the
largest one on held-out rows, and a checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import msgspec
import torch

from engine import events as ev
from engine import faults
from engine.memory.formula import CONTEXT, predicted
from engine.memory.held import state_bytes
from engine.train import randomness
from engine.train.batches.cut import share
from engine.train.gradient import accumulated
from engine.train.looking.looks import held_out
from engine.train.memory.advice import lacking
from engine.train.memory.exhausted import Shortage, attempted
from engine.train.memory.relief import Unfit, relieve
from engine.train.saving.save import try_checkpoint
from engine.train.session import Session

_LOOKED_AT: Final = 50_000
"""Rows, in the order in which steps draw them, among which the largest micro-batches are looked for."""

Pieces = list[list[int]]


def rehearse(session: Session) -> None:
    """Predict the peak of memory, and unless this device has held this run before, see whether it fits.

    Raises:
        Refusal: what does not fit, and what to change.
    """
    first, later = _coming(session)
    if not first:
        return
    _predict(session, max([*first, *later], key=session.collator.tokens))
    if session.proved:
        return
    session.journal.phase("rehearsing", "the largest micro-batches and a checkpoint")
    drawn = randomness.state(session.machine)
    with faults.asleep():
        parts: list[Callable[[Session], None]] = [partial(_steps, first, later), _evaluation, try_checkpoint]
        for done, part in enumerate(parts):
            session.journal(ev.Progress(done=done, total=len(parts), unit="parts"))
            part(session)
            if session.listener.leaving and session.machine.world == 1:
                break
    session.optimizer.discard()
    randomness.restore(drawn, session.machine)


def _steps(first: Pieces, later: Pieces, session: Session) -> None:
    """The largest micro-batches that the first step does not meet by itself."""
    ballast = attempted(lambda: _moments(session))
    if isinstance(ballast, Shortage):
        raise lacking(
            session.recipe, session.journal.doing, ballast.said, "The optimizer's state does not fit."
        )
    tried: Pieces = []
    while left := [piece for piece in _largest(session, first, later) if piece not in tried]:
        divisor = max(session.objective.divisor(session.data.train, left[0]), 1)
        total = accumulated(session, left[:1], divisor, teaches=True)
        session.optimizer.discard()
        if relieve(session, total if isinstance(total, Unfit) else None):
            first, later = _coming(session)
        else:
            tried.append(left[0])


def _evaluation(session: Session) -> None:
    """The largest micro-batch on held-out rows, beside what the optimizer will keep."""
    data, collator, machine = session.data.eval, session.held_out, session.machine
    if data is None or collator is None:
        return
    ballast = attempted(lambda: _moments(session))
    mine = share(range(len(data)), data.length, machine.rank, machine.world)
    pieces = collator.cut(mine, session.eval_budget)
    held_out(session, max(pieces, key=collator.tokens, default=[]), collator)
    del ballast


def _moments(session: Session) -> torch.Tensor | None:
    """Stands for what the optimizer makes in its first step, where it has not made it yet."""
    if session.step:
        return None
    numbers = sum(parameter.numel() for parameter in session.optimizer.parameters)
    state = numbers * state_bytes(session.recipe.optim)
    return torch.ones(state, dtype=torch.uint8, device=session.machine.device)


def _coming(session: Session) -> tuple[Pieces, Pieces]:
    """The micro-batches of all ranks in the next step, and in the steps after it."""
    steps = _cut(session)
    first = next(steps, [])
    return first, [piece for step in steps for piece in step]


def _cut(session: Session) -> Iterator[Pieces]:
    data, world, at, seen = session.data.train, session.machine.world, session.position, 0
    for _ in range(session.step, session.steps):
        rows, at = session.feed.take(at)
        yield [
            piece
            for rank in range(world)
            for piece in session.collator.cut(share(rows, data.length, rank, world), session.budget)
        ]
        seen += len(rows)
        if seen >= _LOOKED_AT:
            return


def _largest(session: Session, first: Pieces, later: Pieces) -> Pieces:
    """Those of `later` with more tokens, labels or pairs of tokens than any in `first` has."""
    data = session.data.train
    measures: tuple[Callable[[list[int]], int], ...] = (
        session.collator.tokens,
        lambda piece: sum(map(data.labels, piece)),
        lambda piece: sum(data.length(row) ** 2 for row in piece),
    )
    found: Pieces = []
    for measure in measures:
        largest = max(later, key=measure, default=None)
        if largest and measure(largest) > max(map(measure, first), default=0) and largest not in found:
            found.append(largest)
    return found


def _predict(session: Session, piece: list[int]) -> None:
    """Report what the formula expects of a run whose largest micro-batch is `piece`."""
    rows, cuda = len(piece), session.machine.device.type == "cuda"
    length = math.ceil(session.collator.tokens(piece) / rows)
    recipe = msgspec.structs.replace(session.recipe, per_device_train_batch_size=rows, max_length=length)
    found = predicted(recipe, session.student.peft.get_base_model().config.to_dict(), cuda=cuda)
    if found is None:
        return
    # What the driver takes of a card is in no count that the process can read.
    found = msgspec.structs.replace(found, allocator=max(found.allocator - CONTEXT, 0) if cuda else 0)
    session.journal(ev.Predicted(bytes=found.peak, parts=found.named()))
