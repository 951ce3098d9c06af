"""A run that looks for a learning rate: it ends where the loss has risen, with a finding and no adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.event_log import EventReader
from engine.events import Finished
from engine.rate_range import finding, over
from engine.run_state import fold

if TYPE_CHECKING:
    from engine.train.session import Session


class RangeTest:
    """The losses so far."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._step = 0

    def over(self, step: int, losses: Sequence[float]) -> bool:
        """True once the test is; `losses` are those of the last steps, `step` is the present one."""
        if losses and step > self._step:
            self._step = step
            self._losses.append(losses[-1])
        return over(self._losses)


def tested(session: Session) -> Finished:
    """Say what the test came to, from the events of the run, which know it over a resume too."""
    session.ledger.settle()
    state = fold(EventReader(session.job.folder / "events.jsonl"))
    session.journal.found(finding(state))
    return Finished(
        run=session.job.run,
        outcome="stopped" if session.listener.leaving else "succeeded",
        steps=session.step,
        loss=session.ledger.mean_loss,
        adapter=None,
        findings=session.journal.findings,
    )
