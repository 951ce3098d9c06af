"""What a few figures say: each judge looks at one relation between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from engine.advisor.case import Case
from engine.advisor.rules.described.causes import CAUSES
from engine.advisor.rules.figures.read import Figures, figures_of
from engine.findings import Category, Finding

_NOTHING: Final = 1e-6
_FEW: Final = 60
"""Points, and lines, at most; a longer curve is judged by the rules that watch one."""
_RISEN: Final = 1.4
_EVAL_RISEN: Final = 1.05
_FLAT: Final = 0.03
_PADDED: Final = 0.15
"""Share by which the loss of the same rows may differ with the size of a batch."""
_PROPORTIONAL: Final = 0.3
_SLOWER: Final = 3.0


class Verdict(NamedTuple):
    """A category, how sure, and the figures that say so."""

    category: Category
    confidence: float
    evidence: str


def figures(case: Case) -> Iterator[Finding]:
    """A finding for each relation that is seen in the figures of a short text; nothing for a run of ours."""
    if case.ours or max(len(case.points), len(case.lines)) > _FEW:
        return
    seen = figures_of(case)
    for judge in _JUDGES:
        verdict = judge(seen)
        if verdict is not None:
            cause = CAUSES[verdict.category]
            yield Finding(
                category=verdict.category,
                severity="blocker",
                title=cause.title,
                confidence=verdict.confidence,
                evidence=[verdict.evidence],
                cause=cause.cause,
                remedy=cause.remedy,
                check=f"figures.{judge.__name__.strip('_')}",
            )


def _zero(seen: Figures) -> Verdict | None:
    zeros = [loss for loss in seen.train if abs(loss) <= _NOTHING]
    if not zeros or (len(zeros) < len(seen.train) / 2 and seen.train[-1] > _NOTHING):
        return None
    if any(math.isnan(norm) for norm in seen.grad):
        return Verdict("loss_zero", 0.85, "a loss told as 0 beside a gradient norm that is no number")
    return Verdict("loss_zero", 0.85, f"{len(zeros)} of {len(seen.train)} losses are 0")


def _not_finite(seen: Figures) -> Verdict | None:
    # A scaler's first steps pass over gradients that are not finite; only the last one tells of trouble.
    named = (("loss", seen.train), ("held-out loss", seen.evals), ("gradient norm", seen.grad[-1:]))
    broken = [name for name, series in named if any(not math.isfinite(value) for value in series)]
    if not broken:
        return None
    batches = {size for size, loss in seen.by_batch if not math.isfinite(loss)}
    if batches and any(math.isfinite(loss) and size < min(batches) for size, loss in seen.by_batch):
        return Verdict("padding_token", 0.8, f"no number only with batches of {min(batches):.0f} and more")
    return Verdict("nan_or_inf", 0.8, f"{' and '.join(broken)} not finite")


def _scaled(seen: Figures) -> Verdict | None:
    pairs = {under: loss for under, loss in seen.by_accumulation if under > 0 and loss > 0}
    if len(pairs) < 2:
        return None
    shares = [loss / under for under, loss in pairs.items()]
    if max(shares) > (1 + _PROPORTIONAL) * min(shares):
        return None
    return Verdict(
        "dependency_version", 0.8, "the loss grows with the steps of accumulation: " + _told(pairs)
    )


def _padded(seen: Figures) -> Verdict | None:
    pairs = {under: loss for under, loss in seen.by_batch if math.isfinite(loss) and loss > 0}
    if len(pairs) < 2 or max(pairs.values()) < (1 + _PADDED) * min(pairs.values()):
        return None
    return Verdict("padding_token", 0.75, "the loss changes with the batch size: " + _told(pairs))


def _overfit(seen: Figures) -> Verdict | None:
    evals = [loss for loss in seen.evals if math.isfinite(loss)]
    if len(evals) < 2 or evals[-1] < _EVAL_RISEN * min(evals[:-1]):
        return None
    train = _finite(seen.train)
    if len(train) > 2 and train[-1] > _EVAL_RISEN * min(train):
        return None
    return Verdict("overfit_memorising", 0.8, f"held-out loss {min(evals):g}, then {evals[-1]:g}")


def _diverged(seen: Figures) -> Verdict | None:
    losses = _finite(seen.train)
    if len(losses) < 3 or len(seen.by_batch) > 1 or len(seen.by_accumulation) > 1:
        return None
    low = min(losses[:-1])
    if low <= 0 or losses[-1] < _RISEN * low or losses.index(low) == len(losses) - 1:
        return None
    return Verdict("loss_spike_divergence", 0.8, f"the loss was {low:g}, and is {losses[-1]:g}")


def _still(seen: Figures) -> Verdict | None:
    losses = _finite(seen.train)
    if seen.grad and all(norm == 0 for norm in seen.grad) and any(loss > _NOTHING for loss in losses):
        return Verdict("no_trainable_params_or_grad", 0.85, "the gradient norm is 0 throughout")
    if len(seen.lr) > 0 and all(rate == 0 for rate in seen.lr) and len(losses) > 1:
        return Verdict("loss_not_decreasing", 0.8, "the learning rate is 0 throughout")
    if len(losses) < 3 or min(losses) <= _NOTHING or max(losses) - min(losses) > _FLAT * max(losses):
        return None
    return Verdict("loss_not_decreasing", 0.7, f"the loss stays between {min(losses):g} and {max(losses):g}")


def _slower(seen: Figures) -> Verdict | None:
    took = _finite(seen.seconds)
    if len(took) < 2 or took[-1] < _SLOWER * took[0]:
        return None
    return Verdict("hang_or_slow", 0.8, f"{took[0]:g} seconds a step, then {took[-1]:g}")


def _told(pairs: dict[float, float]) -> str:
    return ", ".join(f"{loss:g} with {under:g}" for under, loss in pairs.items())


def _finite(values: list[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


_JUDGES: Final[tuple[Callable[[Figures], Verdict | None], ...]] = (
    _zero,
    _not_finite,
    _scaled,
    _padded,
    _overfit,
    _diverged,
    _still,
    _slower,
)
