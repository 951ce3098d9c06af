"""Reads what a step came to one step later, so that the device is never waited for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import torch

from engine import events as ev
from engine.findings import Category, Finding
from engine.train.guard.movement import Movement
from engine.train.journal import Journal
from engine.watch.broken import not_finite
from engine.watch.learning import nothing_learnt
from engine.watch.point import ABOUT_ROWS, Mechanism, Point, Sign
from engine.watch.watch import Watch

_LAST: Final = 10
_BLAMED: Final = 2
"""Steps whose rows are named: the one where it was seen, and the one whose update came before it."""
_TOLD: Final = 4
_PLACES: Final = 64


class BrokenStep(Exception):
    """A step came to something with which the run cannot simply go on.

    Attributes:
        kind: the category of what was seen.
        sign: what was seen, and since when.
        rows: rows of the step, as indices into the training data.
    """

    def __init__(self, sign: Sign, rows: list[int], loss: float, norm: float) -> None:
        super().__init__(f"step {sign.step}: {sign.title}: loss {loss}, gradient norm {norm}")
        self.kind: Category = sign.category
        self.sign = sign
        self.step = sign.step
        self.rows = rows
        self.loss = loss
        self.norm = norm


class Entry(msgspec.Struct, kw_only=True):
    """What the host knows of a step as soon as it is under way."""

    step: int
    rate: float
    rows: list[int]
    tokens: int
    label_tokens: int
    epoch: float
    seconds: float
    micro_batches: int
    names: tuple[str, ...] = ()
    """Of the objective's figures."""


class Ledger:
    """Reports each step when the next one is under way, and says what the watch sees in it.

    Attributes:
        losses: of the last ten steps.
        good: steps that changed weights.
        watch: the rules, and all that they remember.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        scaled: bool,
        watch: Watch | None = None,
        movement: Movement | None = None,
        place: Callable[[int], tuple[str, str]] = lambda row: (f"row {row}", ""),
        expected: frozenset[Mechanism] = frozenset(),
    ) -> None:
        """Open it.

        Args:
            journal: takes what there is to report.
            scaled: whether a gradient scaler may pass over steps.
            watch: the rules; fresh ones by default.
            movement: of the tensors that train.
            place: `file:line` of a row, and how it begins.
            expected: what nobody is warned of, because the run is to bring it about.
        """
        self._journal, self._scaled, self._place = journal, scaled, place
        self._expected = expected
        self._open: tuple[Entry, torch.Tensor, Callable[[], None]] | None = None
        self._eaten: deque[tuple[int, list[int]]] = deque(maxlen=_BLAMED)
        self._movement = movement
        self.watch = watch or Watch()
        self.losses: deque[float] = deque(maxlen=_LAST)
        self.good = 0

    def begin(self) -> None:
        """Take the weights as they are for those that the next steps have to move."""
        if self._movement is not None:
            self._movement.begin()

    def enter(self, entry: Entry, figures: torch.Tensor) -> None:
        """Take a step whose `figures` the device still computes, and read the last one.

        They are loss, gradient norm, whether it was passed over, and those of the objective by `entry.names`.
        """
        copied = _copied(figures)
        self.settle()
        self._open = (entry, *copied)

    def settle(self) -> None:
        """Read the step that is still open, if any, and report it.

        Raises:
            BrokenStep: the loss is not finite, or what else a run does not simply go on from.
        """
        if self._open is None:
            return
        entry, figures, arrived = self._open
        self._open = None
        arrived()
        loss, norm, passed_over, *told = figures.tolist()
        self._journal(
            ev.Step(
                step=entry.step,
                loss=loss if math.isfinite(loss) else None,
                lr=entry.rate,
                grad_norm=norm if math.isfinite(norm) else None,
                tokens=entry.tokens,
                label_tokens=entry.label_tokens,
                seconds=entry.seconds,
                epoch=entry.epoch,
                micro_batches=entry.micro_batches,
                figures=finite(entry.names, told),
            )
        )
        self._eaten.append((entry.step, entry.rows))
        self._judge(entry, loss, norm, passed_over > 0)

    def forget(self) -> None:
        """Drop the step that is open: the run goes back behind it."""
        self._open = None
        self._eaten.clear()

    def measured(self, step: int, loss: float) -> None:
        """Take the loss on the held-out rows after `step`."""
        for sign in self.watch.see(Point(step=step, eval_loss=loss)):
            self._tell(sign)

    def end(self) -> Sign | None:
        """Tell what the whole curve says; returned is what speaks against calling the run a success."""
        said = self.watch.end()
        spoilt = next((sign for sign in said if sign.severity == "blocker"), None)
        for sign in said:
            if sign is not spoilt:
                self._tell(sign)
        return spoilt or nothing_learnt(self.watch.learnt)

    @property
    def mean_loss(self) -> float | None:
        """Mean of the last ten steps' losses."""
        return math.fsum(self.losses) / len(self.losses) if self.losses else None

    def _judge(self, entry: Entry, loss: float, norm: float, passed_over: bool) -> None:
        point = Point(
            step=entry.step,
            loss=loss,
            grad_norm=norm,
            lr=entry.rate,
            label_tokens=entry.label_tokens,
            tokens=entry.tokens,
            seconds=entry.seconds,
        )
        signs = self.watch.see(point)
        if passed_over and not self._scaled:
            signs = [not_finite(point, f"Step {entry.step:,}: the gradient is not finite"), *signs]
        if not passed_over:
            self.good += 1
            self.losses.append(loss)
            signs += self._movement.signs(entry.step) if self._movement else []
        for sign in signs:
            if sign.severity != "blocker" and sign.mechanism not in self._expected:
                self._tell(sign)
        for sign in signs:
            if sign.severity == "blocker":
                raise BrokenStep(sign, entry.rows, loss, norm)

    def _tell(self, sign: Sign) -> None:
        self._journal.found(self.finding(sign))

    def finding(self, sign: Sign) -> Finding:
        """The sign as a finding, with the rows that it is about."""
        eaten = list(reversed(self._eaten)) if sign.mechanism in ABOUT_ROWS else []
        steps, rows = [step for step, _ in eaten], [row for _, taken in eaten for row in taken]
        evidence = [*sign.evidence]
        if rows:
            evidence.append(f"rows of step {' and '.join(f'{step:,}' for step in steps)}, the first {_TOLD}:")
            evidence += [": ".join(self._place(row)) for row in rows[:_TOLD]]
        return Finding(
            category=sign.category,
            severity=sign.severity,
            title=sign.title,
            confidence=sign.confidence,
            evidence=evidence,
            cause=sign.cause,
            remedy=sign.remedy,
            step=sign.step,
            count=len(rows) or None,
            places=[self._place(row)[0] for row in rows[:_PLACES]],
        )


def finite(names: Sequence[str], told: Sequence[float]) -> dict[str, float]:
    """The figures by name, without those that are not finite."""
    return {name: figure for name, figure in zip(names, told, strict=True) if math.isfinite(figure)}


def _copied(figures: torch.Tensor) -> tuple[torch.Tensor, Callable[[], None]]:
    """A host copy that is on its way, and a call that waits until it has arrived."""
    if figures.device.type != "cuda":
        return figures.cpu(), lambda: None
    host = torch.empty(figures.shape, dtype=figures.dtype, pin_memory=True)
    host.copy_(figures, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return host, event.synchronize
