"""Early stopping: how long the loss on the held-out rows may stay where it is."""

from __future__ import annotations

from engine.findings import Finding


class Patience:
    """Counts evaluations that were no better, as transformers' EarlyStoppingCallback does.

    Attributes:
        waited: evaluations in a row whose loss was not below the best by more than the threshold.
    """

    def __init__(self, patience: int, threshold: float) -> None:
        self._patience, self._threshold = patience, threshold
        self.waited = 0

    def see(self, loss: float, best: float | None) -> None:
        """Take a loss, in nats, and the lowest one before it."""
        better = best is None or best - loss > self._threshold
        self.waited = 0 if better else self.waited + 1

    @property
    def out(self) -> bool:
        """True once the run is to end; never with a patience of 0."""
        return 0 < self._patience <= self.waited

    def finding(self, step: int, best: float | None) -> Finding:
        """Why the run ended at `step`; `best` is the lowest loss of all."""
        by = f" by more than {self._threshold:g}" if self._threshold else ""
        return Finding(
            category="overfit_memorising",
            severity="note",
            title=f"Ended early: {self.waited} evaluations in a row without a lower loss",
            evidence=[] if best is None else [f"the lowest evaluation loss is {best:.4g}"],
            cause=f"early_stopping_patience is {self._patience}, and none of them was below the best{by}.",
            remedy="Nothing: the adapter is the best one. More epochs would need other data or a lower rate.",
            step=step,
        )
