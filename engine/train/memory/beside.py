"""Memory that runs out beside the steps (evaluating, sampling, saving), where training goes on as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from engine.findings import Finding
from engine.train.memory.advice import category_of, lacking
from engine.train.memory.exhausted import Shortage, attempted
from engine.train.session import Session

_T = TypeVar("_T")


def relieve_evaluation(
    session: Session, pieces: Sequence[tuple[int, int]], short: Shortage | None
) -> bool | None:
    """Make the evaluation's micro-batches smaller where memory ran out on any rank.

    Args:
        pieces: rows and tokens of each of this rank's micro-batches.
        short: how memory ran out on this rank, if it did.

    Returns:
        True where all fit, None where it is to be tried again, False where it is left out.

    Raises:
        Refusal: a single row does not fit, and the run has not begun.
    """
    machine = session.machine
    if not machine.any(mine=short is not None):
        return True
    several = max((tokens for rows, tokens in pieces if rows > 1), default=0)
    if machine.any(mine=short is not None and not several):
        longest = max((tokens for _, tokens in pieces), default=0)
        _row_unfit(session, longest, short or Shortage("Memory ran out on another rank."))
        return False
    session.eval_budget = machine.least(several // 2 if short else session.eval_budget)
    _tell(
        session,
        f"Memory ran out while evaluating; its micro-batches now hold at most {session.eval_budget:,} tokens",
        short,
        "Nothing: it was done again in smaller pieces, and training goes on as it was.",
    )
    return None


def _row_unfit(session: Session, tokens: int, short: Shortage) -> None:
    if session.step == 0:
        alone = f"One held-out row of {tokens:,} tokens alone does not fit."
        raise lacking(session.recipe, "evaluating", short.said, alone, tokens)
    left_out(session, "The evaluation", "evaluating", short)


def left_out(session: Session, what: str, doing: str, short: Shortage) -> None:
    """Say that something beside the steps was not done; the run itself goes on."""
    title = f"{what} at step {session.step:,} {'were' if what.endswith('s') else 'was'} left out: no memory"
    remedy = "End what else uses the memory; it is tried again when it is due."
    _tell(session, title, short, remedy, doing)


def twice(session: Session, work: Callable[[], _T]) -> _T | Shortage:
    """What `work` returns when memory suffices at the second try at the latest."""
    done = attempted(work)
    if not isinstance(done, Shortage):
        return done
    remedy = "Nothing: it was done again with all memory given back that nobody used."
    _tell(session, "Memory ran out while saving", done, remedy, "saving")
    return attempted(work)


def _tell(
    session: Session, title: str, short: Shortage | None, remedy: str, doing: str = "evaluating"
) -> None:
    session.journal.found(
        Finding(
            category=category_of(doing),
            severity="warning",
            title=title,
            evidence=[short.said] if short else [],
            cause=f"There was too little memory while {doing}; training's own batch is not touched.",
            remedy=remedy,
            step=session.step,
        )
    )
