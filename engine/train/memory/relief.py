"""What a step does where memory ran out: smaller micro-batches, then gradient checkpointing, then the end."""

from __future__ import annotations

import msgspec

from engine.findings import Finding
from engine.memory.relief import same_rows
from engine.train.memory import checkpointing
from engine.train.memory.advice import lacking
from engine.train.session import Session


class Unfit(msgspec.Struct, frozen=True):
    """A micro-batch that did not fit."""

    rows: int
    tokens: int
    """With padding."""
    said: str
    """The allocator's words."""


def relieve(session: Session, unfit: Unfit | None) -> bool:
    """Make the next try at the same rows smaller where a micro-batch did not fit on any rank.

    Ranks agree, so that all of them do the step again: `unfit` is this rank's own.

    Returns:
        False where all fit on all ranks.

    Raises:
        Refusal: one row at a time, recomputed in the backward pass, does not fit either.
    """
    machine = session.machine
    if not machine.any(mine=unfit is not None):
        return False
    session.optimizer.discard()
    if machine.any(mine=unfit is not None and unfit.rows == 1):
        _recompute(session, unfit)
    else:
        session.budget = machine.least(unfit.tokens // 2 if unfit else session.budget)
        _tell(
            session,
            unfit,
            f"Memory ran out; micro-batches now hold at most {session.budget:,} tokens",
            "Nothing: the step was done again in smaller pieces, and its result is the same.",
        )
    return True


def _recompute(session: Session, unfit: Unfit | None) -> None:
    if not checkpointing.possible(session.student.peft):
        recipe = msgspec.structs.replace(session.recipe, gradient_checkpointing=True)
        said, tokens = (unfit.said, unfit.tokens) if unfit else ("", 0)
        where = f"One row of {tokens:,} tokens" if unfit else "A row of another rank"
        raise lacking(recipe, session.journal.doing, said, f"{where} alone does not fit.", tokens)
    checkpointing.switch_on(session.student.peft.get_base_model())
    _tell(
        session,
        unfit,
        "Memory ran out with one row; gradient checkpointing is on from now",
        "Nothing: results stay the same. Steps take about a third longer.",
    )


def _tell(session: Session, unfit: Unfit | None, title: str, remedy: str) -> None:
    evidence = []
    if unfit:
        evidence = [f"a micro-batch of {unfit.rows:,} rows and {unfit.tokens:,} tokens", unfit.said]
    session.journal.found(
        Finding(
            category="oom",
            severity="warning",
            title=title,
            evidence=evidence,
            cause="A micro-batch did not fit on the device.",
            remedy=remedy,
            patch=same_rows(session.recipe, session.budget),
            step=session.step + 1,
        )
    )
