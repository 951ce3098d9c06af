"""Several runs side by side: what differs, what each came to, and whether their losses may be ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Final

import msgspec

from engine.lessons.lesson import Lesson
from engine.recipe.edit import written
from engine.recipe.fields import FIELDS
from engine.recipe.recipe import Recipe
from engine.recipe.resuming import values
from engine.text import one_line

UNSET: Final = "–"
"""Of a field that was not known when the run was made."""
_MARGIN: Final = 2.0
"""Times the noise that lies between runs whose order means something."""
_CUT: Final = ("data", "eval_data", "eval_split", "seed", "data_format", "mapping", "objective")
"""Fields that decide which rows are held out, for runs of versions that took no fingerprints."""
_DEFAULTS: Final[dict[str, Any]] = values(Recipe(model="", data=""))


class Comparison(msgspec.Struct, kw_only=True):
    """What is to be said of several runs together."""

    runs: list[Lesson]
    differs: dict[str, list[str]]
    """Fields of the recipe in which not all are the same, and what each run has, in the order of `runs`."""
    apart: list[str]
    """Why their losses may not be ranked, a sentence each; empty where they may."""
    ranking: list[list[str]]
    """The runs by their best held-out loss, those together that noise does not tell apart."""

    @property
    def verdict(self) -> str:
        """Which is the best, or why that is not said, in a sentence."""
        if self.apart:
            return f"Their losses are not ranked: {'; '.join(self.apart)}."
        if not self.ranking:
            return "None of them has a held-out loss to be ranked by."
        known = {lesson.run: lesson for lesson in self.runs}
        first = [known[run] for run in self.ranking[0]]
        loss = min(_loss(lesson) for lesson in first)
        if len(first) > 1:
            *others, last = [lesson.run for lesson in first]
            names = f"Runs {', '.join(others)} and {last}"
            return f"{names} are best, with a held-out loss of {loss:.4g}: noise does not tell them apart."
        if len(self.ranking) == 1:
            return f"Only run {first[0].run} has a held-out loss: {loss:.4g}."
        second = min(_loss(known[run]) for run in self.ranking[1])
        margin = noise_of(self.runs)
        beside = f", where noise is {margin:.2g}" if margin is not None else "; their noise is not known"
        return (
            f"Run {first[0].run} is best, with a held-out loss of {loss:.4g}: {second - loss:.2g} below the "
            f"next{beside}."
        )


def compared(runs: Sequence[Lesson]) -> Comparison:
    """Lay runs side by side."""
    apart = [reason for asked in (_objectives, _rows, _tokenizers, _templates) if (reason := asked(runs))]
    apart = apart or [reason for reason in [_masks(runs)] if reason]
    return Comparison(
        runs=list(runs), differs=differences(runs), apart=apart, ranking=[] if apart else ranked(runs)
    )


def differences(runs: Sequence[Lesson]) -> dict[str, list[str]]:
    """Fields of the recipe in which not all are the same, in the form's order."""
    found: dict[str, list[str]] = {}
    for field in FIELDS:
        if field.name == "output_dir":
            continue
        had = [said(lesson.recipe, field.name) for lesson in runs]
        if len(set(had)) > 1:
            found[field.name] = had
    return found


def said(recipe: dict[str, Any], name: str) -> str:
    """A field's value on one line; a recipe of an older version had the default."""
    if not recipe:
        return UNSET
    return one_line(written(recipe.get(name, _DEFAULTS.get(name))), 80)


def ranked(runs: Sequence[Lesson]) -> list[list[str]]:
    """By best held-out loss; neighbours within the noise stand together."""
    order = sorted((lesson for lesson in runs if lesson.eval_loss is not None), key=_loss)
    margin = _MARGIN * (noise_of(runs) or 0.0)
    found = [[order[0].run]] if order else []
    for one, other in pairwise(order):
        if _loss(other) - _loss(one) <= margin:
            found[-1].append(other.run)
        else:
            found.append([other.run])
    return found


def noise_of(runs: Sequence[Lesson]) -> float | None:
    """The noise that is usual among them, None where none shows any: one that left its course shows much."""
    known = [lesson.eval_noise for lesson in runs if lesson.eval_noise is not None]
    return median(known) if known else None


def _loss(lesson: Lesson) -> float:
    assert lesson.eval_loss is not None
    return lesson.eval_loss


def _objectives(runs: Sequence[Lesson]) -> str:
    return _split(runs, "they learn by other objectives", lambda run: str(run.recipe.get("objective", "sft")))


def _rows(runs: Sequence[Lesson]) -> str:
    measured = [run for run in runs if run.eval_loss is not None]
    if all(run.data.eval_digest for run in measured):
        return _split(measured, "the held-out rows are not the same", lambda run: run.data.eval_digest)
    # An older version took no fingerprints: rows that were cut by the same words are taken for the same.
    return _split(
        measured,
        "the held-out rows may not be the same",
        lambda run: "\n".join(said(run.recipe, name) for name in _CUT),
    )


def _tokenizers(runs: Sequence[Lesson]) -> str:
    return _split(runs, "their tokenizers differ", lambda run: run.data.tokenizer)


def _templates(runs: Sequence[Lesson]) -> str:
    return _split(runs, "their chat templates differ", lambda run: run.data.template)


def _masks(runs: Sequence[Lesson]) -> str:
    measured = [run for run in runs if run.eval_loss is not None]
    return _split(measured, "the tokens that count of the held-out rows differ", lambda run: run.data.mask)


def _split(runs: Sequence[Lesson], words: str, mark: Callable[[Lesson], str]) -> str:
    """`words` with the runs that differ from the first; empty where all are the same."""
    groups: dict[str, list[str]] = {}
    for run in runs:
        groups.setdefault(mark(run), []).append(run.run)
    if len(groups) < 2:
        return ""
    named = [f"run{'s' * (len(group) > 1)} {', '.join(group)}" for group in groups.values()]
    return f"{words} ({' against '.join(named)})"
