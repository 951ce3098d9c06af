"""Reads what a step came to one step later, so that the device is never waited for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import torch

from engine import events as ev
from engine.train.journal import Journal

_LAST: Final = 10
_FALLING: Final = 20
"""fp16: steps that may be passed over before the first good one; the scale falls from 65,536 to 1 in 16."""
_IN_A_ROW: Final = 5
"""fp16: steps passed over in a row, after a good one, that are one too many; a healthy scale needs 1."""
_ZERO: Final = 3
"""First steps that must not all have a loss, or a gradient, of exactly 0."""


class BrokenStep(Exception):
    """A step came to something that no run recovers from.

    Attributes:
        kind: `nan_or_inf`, `loss_zero` or `no_trainable_params_or_grad`.
        rows: rows of the step, as indices into the training data.
    """

    def __init__(self, kind: str, entry: Entry, loss: float, norm: float) -> None:
        super().__init__(f"step {entry.step}: loss {loss}, gradient norm {norm}")
        self.kind = kind
        self.step = entry.step
        self.rows = entry.rows
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
    """Reports each step when the next one is under way, and stops the run after a broken one.

    Attributes:
        losses: of the last ten steps.
        good: steps that changed weights.
    """

    def __init__(self, journal: Journal, *, scaled: bool) -> None:
        self._journal = journal
        self._scaled = scaled
        self._open: tuple[Entry, torch.Tensor, Callable[[], None]] | None = None
        self.losses: deque[float] = deque(maxlen=_LAST)
        self.good = 0
        self.passed_over = 0
        self._zeros = {"loss_zero": 0, "no_trainable_params_or_grad": 0}

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
            BrokenStep: the loss is not finite, or what else no run recovers from.
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
        self._judge(entry, loss, norm, passed_over > 0)

    @property
    def mean_loss(self) -> float | None:
        """Mean of the last ten steps' losses."""
        return math.fsum(self.losses) / len(self.losses) if self.losses else None

    def _judge(self, entry: Entry, loss: float, norm: float, passed_over: bool) -> None:
        if not math.isfinite(loss):
            raise BrokenStep("nan_or_inf", entry, loss, norm)
        if passed_over:
            self.passed_over += 1
            allowed = _IN_A_ROW if self.good else _FALLING
            if not self._scaled or self.passed_over >= allowed:
                raise BrokenStep("nan_or_inf", entry, loss, norm)
            return
        self.passed_over = 0
        self.good += 1
        self.losses.append(loss)
        for kind, figure in (("loss_zero", loss), ("no_trainable_params_or_grad", norm)):
            self._zeros[kind] += figure == 0 and entry.label_tokens > 0
            if self.good == _ZERO and self._zeros[kind] == _ZERO:
                raise BrokenStep(kind, entry, loss, norm)


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
