"""How alike two runs are by what they had to learn and on what: past runs advise the next by this."""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

import msgspec

from engine.lessons.lesson import DataPrint, Lesson, ModelPrint

_WEIGHTS: Final = {"model": 0.5, "data": 0.4, "hardware": 0.1}
"""The model says most of which rate and rank are right, the card only of what fits."""
_UNKNOWN: Final = 0.5
"""What is not known speaks neither for nor against."""
_OTHER_OBJECTIVE: Final = 0.2
"""Rates of preferences are some forty times below those of answers: hardly anything carries over."""
_OTHER_METHOD: Final = 0.4
_SAME_SHAPE: Final = 0.95
"""A base and what was tuned from it have one shape."""
_FAMILY: Final = 0.35
_SIZE: Final = 0.5
_TENFOLD: Final = math.log(10)


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run before it begins; whatever is empty or 0 is unknown."""

    model: ModelPrint
    data: DataPrint = DataPrint()
    hardware: str = ""
    """Name of the card, or `cpu`."""
    objective: str = "sft"
    method: str = "lora"


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """A past run, and how alike it is: 1 is the same again."""

    likeness: float
    lesson: Lesson


def fingerprint(lesson: Lesson) -> Fingerprint:
    """That of a past run."""
    return Fingerprint(
        model=lesson.model,
        data=lesson.data,
        hardware=lesson.hardware,
        objective=str(lesson.recipe.get("objective") or "sft"),
        method=str(lesson.recipe.get("method") or "lora"),
    )


def alike(one: Fingerprint, other: Fingerprint) -> float:
    """From 0 to 1, the same whichever comes first; 1 where model, data, card, objective and method agree."""
    score = (
        _WEIGHTS["model"] * models_alike(one.model, other.model)
        + _WEIGHTS["data"] * data_alike(one.data, other.data)
        + _WEIGHTS["hardware"] * _hardware(one.hardware, other.hardware)
    )
    if one.objective != other.objective:
        score *= _OTHER_OBJECTIVE
    return score if one.method == other.method else score * _OTHER_METHOD


def similar(
    mark: Fingerprint, lessons: Iterable[Lesson], *, least: float = 0.4, most: int = 50
) -> list[Similar]:
    """The past runs that are alike, the most alike first and of equals the newest.

    Args:
        least: runs that are less alike than this are left out; 0.4 is another family of another size.
        most: how many at most.
    """
    scored = (Similar(likeness=alike(mark, fingerprint(lesson)), lesson=lesson) for lesson in lessons)
    near = sorted(
        (one for one in scored if one.likeness >= least), key=lambda s: s.lesson.created, reverse=True
    )
    return sorted(near, key=attrgetter("likeness"), reverse=True)[:most]


def models_alike(one: ModelPrint, other: ModelPrint) -> float:
    """1 for the same model wherever it lies, less for one of its shape, its family, its size."""
    shapes = [(m.family, m.layers, m.hidden, m.vocabulary) for m in (one, other)]
    known = all(all(shape) for shape in shapes)
    if short_name(one.name) == short_name(other.name) and (not known or shapes[0] == shapes[1]):
        return 1.0
    if known and shapes[0] == shapes[1]:
        return _SAME_SHAPE
    family = _UNKNOWN if not (one.family and other.family) else float(one.family == other.family)
    return _FAMILY * family + _SIZE * _near(_size(one), _size(other))


def data_alike(one: DataPrint, other: DataPrint) -> float:
    """1 for the same rows cut the same way, 0.9 for the same files, else by how much there is to learn."""
    if one.digest and one.digest == other.digest:
        return 1.0
    if one.files and set(one.files) == set(other.files):
        return 0.9
    amounts = [
        _near(one.rows, other.rows),
        _near(one.label_tokens, other.label_tokens),
        _near(_per_row(one), _per_row(other)),
        _UNKNOWN if not (one.form and other.form) else float(one.form == other.form),
    ]
    return 0.8 * sum(amounts) / len(amounts)


def short_name(model: str) -> str:
    """A model's own name, without its folder or its owner on the hub."""
    return model.rstrip("/").rpartition("/")[2].lower()


def _near(one: float, other: float) -> float:
    """1 for equal amounts, 0.5 for ten times as much, 0.33 for a hundred times."""
    if one <= 0 or other <= 0:
        return _UNKNOWN
    return 1 / (1 + math.log(max(one, other) / min(one, other)) / _TENFOLD)


def _size(model: ModelPrint) -> float:
    """Parameters, else what layers and width come to (12 h² in a block), one as good as the other here."""
    return model.parameters or 12 * model.layers * model.hidden**2 + model.vocabulary * model.hidden


def _per_row(data: DataPrint) -> float:
    return data.label_tokens / data.rows if data.rows else 0.0


def _hardware(one: str, other: str) -> float:
    if not (one and other):
        return _UNKNOWN
    return 1.0 if one == other else 0.5 * float((one == "cpu") == (other == "cpu"))
