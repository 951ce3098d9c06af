"""All rules together: a curve is fed to them point by point, while it grows or afterwards."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.watch.broken import NoGradient, NoLabels, NotFinite, ZeroLoss, ZeroRate
from engine.watch.learning import FirstLoss, Flat, FrozenEval, Learnt, Overfit
from engine.watch.pace import Slow
from engine.watch.plateau import Plateau
from engine.watch.point import Point, Sign
from engine.watch.rising import Diverged, Exploding, Spike
from engine.watch.worse import Worse


class Watch(msgspec.Struct):
    """What the rules remember: a few hundred numbers, the same whatever the length of the curve.

    A rule is a struct with `see(point)`, and where it judges a whole curve also `end()`. Stored and taken
    up again, a watch goes on exactly where it was.
    """

    not_finite: NotFinite = msgspec.field(default_factory=NotFinite)
    zero_loss: ZeroLoss = msgspec.field(default_factory=ZeroLoss)
    no_gradient: NoGradient = msgspec.field(default_factory=NoGradient)
    zero_rate: ZeroRate = msgspec.field(default_factory=ZeroRate)
    no_labels: NoLabels = msgspec.field(default_factory=NoLabels)
    first_loss: FirstLoss = msgspec.field(default_factory=FirstLoss)
    diverged: Diverged = msgspec.field(default_factory=Diverged)
    worse: Worse = msgspec.field(default_factory=Worse)
    spike: Spike = msgspec.field(default_factory=Spike)
    exploding: Exploding = msgspec.field(default_factory=Exploding)
    flat: Flat = msgspec.field(default_factory=Flat)
    plateau: Plateau = msgspec.field(default_factory=Plateau)
    overfit: Overfit = msgspec.field(default_factory=Overfit)
    frozen_eval: FrozenEval = msgspec.field(default_factory=FrozenEval)
    learnt: Learnt = msgspec.field(default_factory=Learnt)
    slow: Slow = msgspec.field(default_factory=Slow)

    def see(self, point: Point) -> list[Sign]:
        """What the rules say to the next point of the curve, the gravest first."""
        signs = [getattr(self, name).see(point) for name in self.__struct_fields__]
        return [sign for sign in signs if sign is not None]

    def plan(self, steps: int) -> None:
        """Take the planned steps of the run, which may grow while it is stored."""
        self.flat.steps = self.plateau.steps = steps

    def end(self) -> list[Sign]:
        """What there is to say once the curve is whole."""
        return [sign for sign in (self.worse.end(), self.flat.end()) if sign is not None]


def watch_of(*, vocabulary: int = 0, steps: int = 0) -> Watch:
    """Rules for a curve that begins.

    Args:
        vocabulary: tokens that the model can say, 0 where unknown.
        steps: planned optimizer steps, 0 where unknown.
    """
    watch = Watch(first_loss=FirstLoss(vocabulary=vocabulary))
    watch.plan(steps)
    return watch


def signs_of(points: Iterable[Point], *, vocabulary: int = 0, steps: int = 0) -> list[Sign]:
    """All that the rules say to a whole curve, each mechanism once, where it was seen first."""
    watch = watch_of(vocabulary=vocabulary, steps=steps)
    said = [sign for point in points for sign in watch.see(point)] + watch.end()
    first: dict[str, Sign] = {}
    for sign in said:
        first.setdefault(sign.mechanism, sign)
    return list(first.values())
