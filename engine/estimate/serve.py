"""The side job `estimate`: prices the recipe under edit, at each change anew, and goes when none comes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from engine.data.refusal import Refusal
from engine.estimate.exact import Exact
from engine.line import Line
from engine.memory import limit as limits
from engine.memory import talk
from engine.memory.answer import Answer
from engine.memory.experience import Experience
from engine.memory.fitting import answered
from engine.memory.formula import predicted
from engine.memory.instant import instant, priced
from engine.problem import Problem
from engine.recipe.places import placed
from engine.recipe.recipe import Recipe
from engine.recipe.yaml import parse
from engine.telemetry.gpu import gpus

_IDLE: Final = 60.0
"""Seconds after which the memory that torch takes is worth more than a quick answer."""


class _Newer(Exception):
    """Another recipe is to be priced."""

    def __init__(self, body: bytes) -> None:
        self.body = body


class Prices:
    """What was priced of each model: a person goes to and fro."""

    def __init__(self, line: Line | None = None) -> None:
        self._models: dict[str, Exact] = {}
        self._line = line

    def of(self, config: dict[str, Any], *, cuda: bool) -> Exact:
        """The prices of a model on a kind of device."""
        key = f"{config} {cuda}"
        if key not in self._models:
            self._models[key] = Exact(config, cuda=cuda, before=self._listen)
        return self._models[key]

    def _listen(self) -> None:
        newer = self._line.hear() if self._line is not None else None
        if newer is not None:
            raise _Newer(newer)


def serve(spec: bytes, line: Line) -> None:
    """Answer the wish in `spec` and those that follow, until none has come for a while."""
    prices, wanted = Prices(line), spec
    while True:
        try:
            _answer(talk.ask(wanted), line, prices)
        except _Newer as newer:
            wanted = newer.body
            continue
        came = line.hear(_IDLE)
        if came is None:
            return
        wanted = came


def _answer(wanted: talk.Ask, line: Line, prices: Prices) -> None:
    try:
        recipe = placed(parse(wanted.text, Path(wanted.path)))
        cards = [] if wanted.gpu_memory else gpus()
        limit = (
            limits.given(wanted.gpu_memory) if wanted.gpu_memory else limits.there(recipe, cards, os.environ)
        )
        answer = estimate(recipe, limit, prices, wanted.past)
    except Problem as problem:
        line.say(talk.encode(talk.Told(number=wanted.number, problem=problem.as_dict())))
        return
    line.say(talk.encode(talk.Told(number=wanted.number, answer=answer)))


def estimate(
    recipe: Recipe,
    limit: limits.Limit,
    prices: Prices | None = None,
    past: Experience | None = None,
) -> Answer:
    """The exact answer for a recipe whose paths are absolute; the formula's for a model of unknown kind.

    Raises:
        Problem: nothing is known of the model, or the recipe names no layers of it.
    """
    recipe, config = priced(recipe)
    model = (prices or Prices()).of(config, cuda=limit.cuda)
    try:
        if past is not None and (formula := predicted(recipe, config, cuda=limit.cuda)) is not None:
            known = past.for_exact(formula.peak, model.parts(recipe).peak, limit)
            return answered(recipe, model.parts, limit, exact=True, past=known)
        return answered(recipe, model.parts, limit, exact=True)
    except Refusal as refusal:
        if refusal.category != "dependency_version":
            raise
        return instant(recipe, config, limit, note=f"{refusal.what} This is the formula's figure.", past=past)
