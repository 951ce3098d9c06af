"""A curve that says that nothing is learnt, or the wrong thing."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from engine.findings import Category, Severity
from engine.watch.point import Point, Sign
from engine.watch.recent import Recent, Thinned

_STEPS: Final = 200
"""Steps before a flat curve means anything."""
_POINTS: Final = 15
_FALL: Final = 0.10
"""Share of the first loss by which a run that learns falls, measured on public curves with labels."""
_FLAT: Final = 0.03
"""Share by which the second half of a curve that still falls does so."""
_FIRST: Final = 0.1
"""Share of the points that make the first level."""
_ABOVE: Final = 1.05
_EVALS: Final = 2
_SAME: Final = 3
_WHOLE: Final = 100
"""Steps after which a run should have come to something."""
_ENDS: Final = 10
_BETTER: Final = 0.01
_IMPOSSIBLE: Final = 1.1
"""Times ln(V), the loss of a model that knows nothing; a tenth is left to the noise of one step."""
_KNOWN: Final = 0.05


class Flat(msgspec.Struct):
    """The loss has hardly fallen from where it began, and does not fall any more."""

    losses: Thinned = msgspec.field(default_factory=Thinned)
    first_step: int = 0
    last_step: int = 0
    steps: int = 0
    """Planned steps of the run; 0 where they are not known, and then only the end is judged."""
    told: bool = False

    def see(self, point: Point) -> Sign | None:
        """Take a point; half of the planned steps are enough to say it while there is time."""
        loss = point.finite_loss
        if loss is None:
            return None
        if not self.losses.points:
            self.first_step = point.step
        self.losses.add(loss)
        self.last_step = point.step
        return self.end() if self.steps and self.last_step * 2 >= self.steps else None

    def end(self) -> Sign | None:
        """What the whole curve says."""
        too_short = self.last_step - self.first_step < _STEPS or self.losses.points < _POINTS
        if self.told or too_short:
            return None
        means = self.losses.means
        first, second = _mean(means[: max(int(len(means) * _FIRST), 1)]), means[len(means) // 2 :]
        now, half = _mean(second), len(second) // 2
        falls = (_mean(second[:half]) - _mean(second[half:])) * 2
        if first <= 0 or now < (1 - _FALL) * first or falls > _FLAT * now:
            return None
        self.told = True
        return Sign(
            mechanism="flat",
            category="loss_not_decreasing",
            severity="warning",
            step=self.last_step,
            onset=self.first_step,
            title=f"The loss hardly falls: {now:.4g} after {first:.4g}",
            evidence=[
                f"{first:.4g} around step {self.first_step:,}, {now:.4g} up to step {self.last_step:,}",
                "the second half is flat",
            ],
            cause="The learning rate is far off, too little is trained, or all of it is known already.",
            remedy="Try a learning_rate three times as high, a larger lora_r, or target_modules all-linear.",
            confidence=0.7,
        )


class Learnt(msgspec.Struct):
    """How the run began and where it is, in both losses."""

    points: int = 0
    first: list[float] = []
    last: Recent = msgspec.field(default_factory=lambda: Recent(_ENDS))
    first_eval: float | None = None
    last_eval: float | None = None

    def see(self, point: Point) -> None:
        """Take a point; nothing is said before the end."""
        loss, held_out = point.finite_loss, point.eval_loss
        if loss is not None:
            self.points += 1
            self.first = [*self.first, loss][:_ENDS]
            self.last.add(loss)
        if held_out is not None and math.isfinite(held_out):
            self.first_eval = held_out if self.first_eval is None else self.first_eval
            self.last_eval = held_out


def nothing_learnt(learnt: Learnt) -> Sign | None:
    """What speaks against calling a whole run a success: neither loss is lower than at its start."""
    if learnt.points < _WHOLE:
        return None
    first, last = _mean(learnt.first), _mean(learnt.last.values)
    begun, ended = learnt.first_eval, learnt.last_eval
    better = begun is not None and ended is not None and ended < (1 - _BETTER) * begun
    if better or last < (1 - _BETTER) * first:
        return None
    evidence = [f"mean of the first {_ENDS} losses {first:.4g}, of the last {last:.4g}"]
    if begun is not None and ended is not None:
        evidence.append(f"on held-out rows {begun:.4g} before and {ended:.4g} after")
    return Sign(
        mechanism="learnt_nothing",
        category="loss_not_decreasing",
        severity="blocker",
        step=learnt.points,
        onset=0,
        title="The run learnt nothing: its loss is no lower than at the start",
        evidence=evidence,
        cause="The learning rate is far off, too little is trained, or all of it is known already.",
        remedy="Try a learning_rate three times as high or a third of it; the adapter is kept.",
    )


class Overfit(msgspec.Struct):
    """The loss on held-out rows goes up, twice by more than 5 %, while that on the trained ones does not."""

    train: float | None = None
    best: float | None = None
    best_step: int = 0
    train_at_best: float | None = None
    above: int = 0
    told: bool = False

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        loss, held_out = point.finite_loss, point.eval_loss
        if loss is not None:
            self.train = loss if self.train is None else self.train + 0.3 * (loss - self.train)
        if held_out is None or not math.isfinite(held_out):
            return None
        if self.best is None or held_out < self.best:
            self.best, self.best_step, self.train_at_best = held_out, point.step, self.train
            self.above, self.told = 0, False
            return None
        self.above = self.above + 1 if held_out > _ABOVE * self.best else 0
        learns = self.train is None or self.train_at_best is None or self.train <= self.train_at_best
        if self.told or self.above < _EVALS or not learns:
            return None
        self.told = True
        return Sign(
            mechanism="overfit",
            category="overfit_memorising",
            severity="warning",
            step=point.step,
            onset=self.best_step,
            title=f"Held-out loss is going up: {held_out:.4g}, and it was {self.best:.4g}",
            evidence=[
                f"lowest at step {self.best_step:,}, and higher in {self.above} evaluations in a row",
                "the training loss has not risen meanwhile",
            ],
            cause="The model learns the rows by heart.",
            remedy="Keep the best checkpoint (load_best_model_at_end), with fewer epochs or more rows.",
            confidence=0.9,
        )


class FrozenEval(msgspec.Struct):
    """Evaluations that come to the very same number: they do not see what is trained."""

    last: float | None = None
    same: int = 1

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        held_out = point.eval_loss
        if held_out is None or not math.isfinite(held_out):
            return None
        self.same = self.same + 1 if held_out == self.last else 1
        self.last = held_out
        if self.same != _SAME:
            return None
        return Sign(
            mechanism="frozen_eval",
            category="other",
            severity="warning",
            step=point.step,
            onset=point.step,
            title="Held-out loss is the same to the last digit",
            evidence=[f"{held_out!r}, {_SAME} times in a row"],
            cause="The evaluation does not see the weights that are trained, or nothing is trained.",
            remedy="Check that the adapter is active, and that the learning rate is not 0.",
        )


class FirstLoss(msgspec.Struct):
    """The first loss against ln(V), that of a model which knows nothing of V tokens."""

    vocabulary: int = 0
    """0 where it is not known, and then nothing can be said."""
    seen: bool = False

    def see(self, point: Point) -> Sign | None:
        """Take a point."""
        loss = point.finite_loss
        if self.seen or loss is None:
            return None
        self.seen = True
        if self.vocabulary < 2 or point.step > 1 or loss <= 0:
            return None
        chance = math.log(self.vocabulary)
        if loss > _IMPOSSIBLE * chance:
            return _first(
                point, "garbage_after_training", "warning",
                f"The first loss is {loss:.4g}, worse than guessing among {self.vocabulary:,} tokens",
                [f"ln({self.vocabulary:,}) = {chance:.4g}"],
                "The tokenizer is not the model's, its weights were not loaded, or labels are shifted.",
                "Check the model by `openlora chat` with its name before training it.",
            )  # fmt: skip
        if loss < _KNOWN:
            return _first(
                point, "leakage", "note", f"The first loss is only {loss:.2g}: the model knows these answers",
                [f"guessing would come to {chance:.4g}"],
                "It was trained on these rows before, or the answer stands in the prompt.",
                "Look at the rows of the first step.",
            )  # fmt: skip
        return None


def _first(
    point: Point,
    category: Category,
    severity: Severity,
    title: str,
    evidence: list[str],
    cause: str,
    remedy: str,
) -> Sign:
    return Sign(
        mechanism="first_loss",
        category=category,
        severity=severity,
        step=point.step,
        onset=0,
        title=title,
        evidence=evidence,
        cause=cause,
        remedy=remedy,
        confidence=0.8,
    )


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
