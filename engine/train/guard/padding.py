"""A batch of two rows has to come to what the two come to alone, or padding leaks into the loss."""

from __future__ import annotations

from typing import Final

from engine.findings import Finding, Patch
from engine.train.looking.evaluate import at_rest
from engine.train.memory.exhausted import out_of_memory
from engine.train.objectives.loss import summed_loss
from engine.train.session import Session

_TOLERANCE: Final = 0.02
"""Relative; 16-bit matrix products of other shapes differ by less than half of it."""
_LOOKED_AT: Final = 256
"""Rows among which a short one and a longer one are sought."""


def prove_padding(session: Session) -> None:
    """Compare two short rows of different lengths with their batch; a finding where they disagree.

    Nothing is trained and no random number drawn. Where two rows never share a micro-batch, or all are
    of one length, there is nothing to prove.
    """
    pair = _pair(session)
    if pair is None:
        return
    try:
        with at_rest(session.student.peft), session.machine.autocast():
            alone = sum(_loss(session, [row]) for row in pair)
            together = _loss(session, pair)
    except (RuntimeError, MemoryError) as error:
        # Of a base that is spread over ranks, the others wait in the middle of this very pass.
        if not out_of_memory(error) or session.machine.sharded:
            raise
        return  # what memory lacks is found out by the steps, which know what to do
    if abs(together - alone) <= _TOLERANCE * max(abs(alone), 1e-3):
        return
    session.journal.found(_finding(session, pair, alone, together))


def _pair(session: Session) -> list[int] | None:
    data = session.data.train
    known = sorted((data.length(row), row) for row in range(min(len(data), _LOOKED_AT)))
    longer = next(((length, row) for length, row in known if length >= 1.5 * known[0][0]), known[-1])
    fits = 2 * longer[0] <= session.budget
    return [known[0][1], longer[1]] if fits and longer[0] > known[0][0] else None


def _loss(session: Session, rows: list[int]) -> float:
    student = session.student
    return float(summed_loss(student.peft, student.labelled, session.collator.micro(rows)))


def _finding(session: Session, pair: list[int], alone: float, together: float) -> Finding:
    recipe = session.recipe
    return Finding(
        category="padding_token",
        severity="warning",
        title="Rows in a batch come to another loss than alone: padding leaks into it",
        evidence=[
            f"alone {alone:.6g} in all, together {together:.6g}",
            *(": ".join(session.named(row)) for row in pair),
        ],
        cause="The model looks at padding: its code ignores the attention mask, or treats positions apart.",
        remedy="Train one row at a time, or load the model with another attn_implementation.",
        patch=Patch(
            label="per_device_train_batch_size 1, same rows a step",
            recipe={"per_device_train_batch_size": 1, "gradient_accumulation_steps": recipe.batch_rows},
        ),
        step=session.step,
        places=[session.named(row)[0] for row in pair],
    )
