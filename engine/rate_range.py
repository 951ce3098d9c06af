"""The learning-rate range test: which rate a curve of losses under a rising rate speaks for.

The rate rises by the same factor in each step (Smith, arXiv 1506.01186). Small rates leave the loss where it
is; then it falls, ever faster; then it rises again, because the steps are too large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from engine.findings import Finding, Patch
from engine.run_state import RunState

KIND: Final = "range_test"
SPAN: Final = 1e6
"""The last rate over the first."""
_KEEP: Final = 0.8
"""Share of what came before in the exponential mean of the losses: five steps, in which the rate doubles."""
_FALL: Final = 0.02
"""Share of the first loss by which it has to fall to say anything."""
_RISE: Final = 1.5
"""Times the lowest loss above which nothing more is to be learnt from the test."""
_BEFORE: Final = 10.0
"""The loss is lowest where steps are about to be too large; a tenth of that rate is the usual choice."""
_LEAST: Final = 10


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a test came to."""

    rate: float
    fastest: float
    """Where the loss fell fastest."""
    lowest: float
    """Where it was lowest."""


def smoothed(losses: Sequence[float]) -> list[float]:
    """The unbiased exponential mean."""
    mean = weight = 0.0
    found = []
    for loss in losses:
        mean = _KEEP * mean + (1 - _KEEP) * loss
        weight = _KEEP * weight + (1 - _KEEP)
        found.append(mean / weight)
    return found


def over(losses: Sequence[float]) -> bool:
    """True once the loss has risen so far above its lowest that a larger rate can only be worse."""
    means = smoothed(losses)
    return len(means) >= _LEAST and means[-1] > _RISE * min(means)


def suggest(rates: Sequence[float], losses: Sequence[float]) -> Suggestion | None:
    """The rate that a test speaks for; None where the loss never fell."""
    means = smoothed(losses)
    if len(means) < _LEAST:
        return None
    low = min(range(len(means)), key=means.__getitem__)
    if means[0] - means[low] < _FALL * abs(means[0]) or low < 2:
        return None
    steepest = min(range(1, low + 1), key=lambda at: means[at] - means[at - 1])
    fastest, lowest = rates[steepest], rates[low]
    rate = _round(min(fastest, lowest / _BEFORE))
    return Suggestion(rate=rate, fastest=fastest, lowest=lowest)


def finding(state: RunState) -> Finding:
    """What the test of a run in `state` says."""
    losses = {x: last for x, _, _, last in state.loss.points()}
    rates = {x: last for x, _, _, last in state.lr.points()}
    steps = sorted(losses.keys() & rates.keys())
    found = suggest([rates[step] for step in steps], [losses[step] for step in steps])
    if found is None:
        return Finding(
            category="loss_not_decreasing",
            severity="warning",
            title="The rate finder saw no rate at which the loss falls",
            evidence=[f"{len(steps)} steps, rates up to {max(rates.values(), default=0.0):.2g}"],
            cause="The steps were too few or their rows too different from one another, or nothing trains.",
            remedy="Give it more steps (--set max_steps=300) or a larger batch, or choose the usual 2e-4.",
        )
    return Finding(
        category="hyperparameter",
        severity="note",
        title=f"A learning rate of {found.rate:.1e} fits".replace(".0e", "e").replace("e-0", "e-"),
        evidence=[
            f"the loss fell fastest at {found.fastest:.2g}",
            f"it was lowest at {found.lowest:.2g}; above that it rose",
        ],
        cause="A tenth of the rate with the lowest loss, or where the loss fell fastest, if that is less.",
        remedy="A starting point: it comes from few steps, and says nothing of the end of a run.",
        patch=Patch(label=f"learning_rate {found.rate:g}", recipe={"learning_rate": found.rate}),
    )


def came_to(state: RunState) -> Patch | None:
    """The change to the recipe that an ended test speaks for; None where it found no rate, or was none."""
    tests = [found for found in state.findings if found.category == "hyperparameter" and found.patch]
    patches = [found.patch for found in tests if found.title.startswith("A learning rate of ")]
    whole = state.outcome is not None and getattr(state.outcome, "adapter", None) is not None
    return None if whole else next((patch for patch in patches if patch is not None), None)


def _round(rate: float) -> float:
    """To one digit, downwards: more would be noise."""
    power = 10.0 ** math.floor(math.log10(rate))
    return float(f"{math.floor(rate / power + 1e-9) * power:.1e}")
