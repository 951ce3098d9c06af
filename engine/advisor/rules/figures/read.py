"""Figures out of text: which name is followed by which numbers, and under which setting they were seen."""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from engine.advisor.case import Case
from engine.watch.point import Point

_NAMES: Final = (
    ("eval", r"(?:eval\w*|valid\w*|val|test|held-?out)(?:[ _/-]*(?:set )?loss\b|(?=[ :=]{1,2}\d))"),
    ("grad", r"(?:max )?(?:grad(?:ient)?[ _]?norm|gnorm)"),
    ("lr", r"learning[ _]rate|\blr"),
    ("train", r"(?:train(?:ing)?[ _/-]*)?loss\b(?: train\b)?|train(?=[ :=]{1,2}\d)"),
    ("accumulation", r"(?:gradient[ _]?)?accumulation(?:[ _]steps?)?|grad[ _]?acc\w*|ga\b"),
    ("batch", r"(?:\w+_)?batch(?:[ _]?size)?|\bbsz?"),
    ("seconds", r"s/it|sec(?:onds)?[ /](?:per )?(?:step|it\w*)"),
    ("memory", r"gi?b\b"),
)
_BEFORE: Final = frozenset({"seconds", "memory"})
"""Units: the number stands before them."""
_NUMBER: Final = r"[-+]?(?:\d[\d,]*\.?\d*(?:e[-+]?\d+)?|\.\d+)|\bnan\b|[-+]?\binf(?:inity)?\b"
_TOKEN: Final = re.compile(
    "|".join([*(rf"(?P<{name}>\b(?:{way}))" for name, way in _NAMES), rf"(?P<number>{_NUMBER})"])
    + r"|(?P<other>\b(?:\w+_(?:runtime|per_second)"
    r"|steps?|epochs?|iter\w*|it|rows?|ln\w*|vocab\w*|max_\w*|of|after|tokens?|hours?)\b)"
    + r"|(?P<end>[;|\n]|\.\s)",
)
_TIMES: Final = {"million": 1e6, "thousand": 1e3, "k": 1e3}
_MOST: Final = 4000
_LINK: Final = re.compile(
    r"(?:[^a-z]|\b(?:to|at|is|was|are|were|from|then|and|or|of|falls?|rises?|drops?|starts?|sits|goes|about|around|mean"
    r"|until|by|only|with|vs|up|down|stays?|stay|in|for|on|the|it|be|k|both|alone|row|reported|shown|per|epoch\w*)\b){0,60}"
)
"""What may stand between a name and its number."""


class Figures(msgspec.Struct, frozen=True):
    """Series of numbers in the order in which they were told."""

    train: list[float] = []
    evals: list[float] = []
    grad: list[float] = []
    lr: list[float] = []
    seconds: list[float] = []
    memory: list[float] = []
    by_batch: list[tuple[float, float]] = []
    """Batch size and the loss seen with it."""
    by_accumulation: list[tuple[float, float]] = []
    """Steps of accumulation and the loss seen with them."""


def figures_of(case: Case) -> Figures:
    """The figures in the text, and the curve where one was told."""
    text = "\n".join(case.lines)[:_MOST].lower().replace("@", " step ")
    told = _Reading()
    end = 0
    for match in _TOKEN.finditer(text):
        if not _LINK.fullmatch(text, end, match.start()):
            told.leave()
        end = match.end()
        told.take(match.lastgroup or "", match[0], text[match.end() : match.end() + 9])
    return told.figures(case.points)


class _Reading:
    """Goes over the text word by word: a name holds for the numbers behind it, up to the next name."""

    def __init__(self) -> None:
        self.series: dict[str, list[float]] = {name: [] for name, _ in _NAMES}
        self.pairs: dict[str, list[tuple[float, float]]] = {"batch": [], "accumulation": []}
        self._name = ""
        self._skip = False
        self._condition = ""
        self._number: float | None = None
        self._under: dict[str, float] = {}
        self._loss: float | None = None

    def leave(self) -> None:
        """Too much stands between a name and what comes next."""
        self._name = ""

    def take(self, kind: str, word: str, behind: str) -> None:
        """Take the next word that means something here."""
        if kind == "number":
            self._take_number(word, behind)
        elif kind in _BEFORE:
            if self._number is not None:
                self.series[kind].append(self._number)
        elif kind == "other":
            self._skip = True
        elif kind == "end":
            self._close()
        else:
            self._name, self._skip = kind, False

    def _take_number(self, word: str, behind: str) -> None:
        self._number = _value(word, behind)
        if self._skip or re.match(
            r"\s*(?:steps?|epochs?|rows?|%|x\b|gi?b|s/it|hours?|of \d|m?s\b|sec|min)", behind
        ):
            self._skip = bool(re.match(r"\s*(?:to|-|and|/)\s*\d", behind))
            return
        if not self._name and self._condition and re.match(r"\s*(?:->|:|=)", behind):
            self._name = self._condition
        if self._name in self.pairs:
            self._condition = self._name
            self._under[self._name], self._name = self._number, "train"
            self._pair()
        elif self._name:
            self.series[self._name].append(self._number)
            if self._name == "train":
                self._loss = self._number
                self._pair()

    def _pair(self) -> None:
        if self._loss is None or not self._under:
            return
        for name, under in self._under.items():
            self.pairs[name].append((under, self._loss))
        self._under, self._loss = {}, None

    def _close(self) -> None:
        self._name, self._skip, self._under, self._loss = "", False, {}, None

    def figures(self, points: list[Point]) -> Figures:
        of = {
            "train": [p.loss for p in points if p.loss is not None],
            "eval": [p.eval_loss for p in points if p.eval_loss is not None],
            "grad": [p.grad_norm for p in points if p.grad_norm is not None],
            "lr": [p.lr for p in points if p.lr is not None],
        }
        best = {name: max(of.get(name, []), told, key=len) for name, told in self.series.items()}
        return Figures(
            train=best["train"],
            evals=best["eval"],
            grad=best["grad"],
            lr=best["lr"],
            seconds=best["seconds"],
            memory=best["memory"],
            by_batch=self.pairs["batch"],
            by_accumulation=self.pairs["accumulation"],
        )


def _value(word: str, behind: str) -> float:
    if "nan" in word:
        return math.nan
    if "inf" in word:
        return math.inf
    times = re.match(r"\s?(million|thousand|k)\b", behind)
    try:
        return float(word.replace(",", "")) * _TIMES.get(times[1] if times else "", 1.0)
    except ValueError:
        return math.nan
