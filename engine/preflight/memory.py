"""Whether a run fits in its device's memory, by the formula: weights, activations, logits and all."""

from __future__ import annotations

from collections.abc import Iterator

from engine.findings import Finding
from engine.memory import limit as limits
from engine.memory.instant import instant, priced
from engine.preflight.subject import Subject
from engine.problem import Problem
from engine.text import amount


def look(subject: Subject) -> Iterator[Finding]:
    """A warning where even the low end of the band is more than there is, with what would make it fit.

    It stops nothing: a run meets its own limits before its first step, and shrinks its micro-batches.
    """
    try:
        limit = limits.there(subject.recipe, subject.cards, subject.env)
        answer = instant(*priced(subject.recipe, subject.env), limit)
    except (Problem, OSError):  # other checks tell what is wrong with the model, the adapter or the device
        return
    low, high = answer.band
    if low <= limit.bytes or answer.parts.weights > limit.bytes:  # that weights do not fit, the device says
        return
    change = answer.changes[0] if answer.changes else None
    remedy = "Take a smaller model, or shorter rows."
    if change is not None:
        remedy = f"{change.patch.label}: about {amount(change.peak)}; {change.why}."
    yield Finding(
        category="oom",
        severity="warning",
        title=f"Memory will run out: the run takes {amount(low)} to {amount(high)}, and there are {limit}",
        confidence=0.9,
        evidence=[f"{name} {amount(size)}" for name, size in answer.parts.named().items() if size >= 1 << 20],
        cause=f"Priced is a micro-batch of {answer.rows:,} x {answer.length:,} tokens, all of them learnt.",
        remedy=remedy,
        patch=change.patch if change is not None else None,
    )
