"""Past runs as points and losses: which of them can be compared, and with which others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from engine.lessons.alike import Similar, models_alike
from engine.lessons.history import went_wrong
from engine.lessons.lesson import Lesson
from engine.recommend.failures import BROKEN
from engine.recommend.settings import point_of_run
from engine.recommend.situation import Situation
from engine.recommend.surrogate import Point, Seen

_SAME_MODEL: Final = 0.95
_LEAST: Final = 0.02
"""Share of the loss below which what there was to gain is noise."""


def outcomes(near: Sequence[Similar], situation: Situation) -> list[Seen]:
    """The runs whose held-out losses can be compared with others on the same rows.

    Runs that broke are not among them: by how much they are worse is not known, and their rates are avoided.
    """
    groups: dict[str, list[tuple[Similar, Point]]] = {}
    for one in near:
        point = _point(one.lesson, situation)
        if point is not None:
            groups.setdefault(group_of(one.lesson), []).append((one, point))
    return [seen for name, group in groups.items() for seen in _missed(name, group)]


def _missed(name: str, group: Sequence[tuple[Similar, Point]]) -> Iterator[Seen]:
    """Of what the best of them gained on the loss before the first step, the share that each has missed.

    Nats would not do: one dataset has three to gain, another a tenth of one.
    """
    losses = [one.lesson.eval_loss or 0.0 for one, _ in group]
    firsts = [one.lesson.first_eval_loss for one, _ in group if one.lesson.first_eval_loss]
    best, reach = min(losses), max([*losses, *firsts])
    if reach - best < _LEAST * best:
        return
    for (one, point), loss in zip(group, losses, strict=True):
        yield Seen(
            run=one.lesson.run,
            group=name,
            point=point,
            missed=(loss - best) / (reach - best),
            likeness=one.likeness,
        )


def _point(lesson: Lesson, situation: Situation) -> Point | None:
    """Where its settings lie; None where its held-out loss does not tell how good they are."""
    loss = lesson.eval_loss
    if loss is None or not 0 < loss < math.inf or not _counts(lesson, situation):
        return None
    model = lesson.model
    if not model.hidden and models_alike(model, situation.model) >= _SAME_MODEL:
        model = situation.model
    return point_of_run(lesson, model)


def _counts(lesson: Lesson, situation: Situation) -> bool:
    mark = situation.fingerprint()
    method, objective = lesson.recipe.get("method", "lora"), lesson.recipe.get("objective", "sft")
    same = (method, objective) == (mark.method, mark.objective) and not lesson.recipe.get("adapter")
    return same and _went_through(lesson) and not went_wrong(lesson, BROKEN)


def _went_through(lesson: Lesson) -> bool:
    """True where the run came to its end: one that was stopped early says little of its settings."""
    return lesson.status == "succeeded" or (lesson.planned > 0 and lesson.steps >= 0.9 * lesson.planned)


def group_of(lesson: Lesson) -> str:
    """By what held-out losses can be compared: the same rows, read the same way, from the same start."""
    data, recipe = lesson.data, lesson.recipe
    rows = data.eval_digest or repr((sorted(data.files), data.eval_rows, data.rows, recipe.get("seed")))
    how = [
        data.template,
        data.tokenizer,
        data.mask,
        recipe.get("max_length"),
        recipe.get("train_on"),
    ]
    return repr((lesson.model.name, rows, how))


def own_group(situation: Situation, near: Sequence[Similar]) -> str:
    """The group of the newest run on the same files with the same model; empty where there is none."""
    files = {str(entry) for entry in situation.recipe.data_entries}
    same = (
        one.lesson for one in near
        if set(one.lesson.data.files) == files
        and models_alike(one.lesson.model, situation.model) >= _SAME_MODEL
    )  # fmt: skip
    newest = max(same, key=lambda lesson: lesson.created, default=None)
    return "" if newest is None else group_of(newest)
