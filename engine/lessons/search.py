"""Finds past runs by words and by what they had and came to: `failed rate>1e-4 tag:good not:qwen`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from engine.lessons.lesson import DataPrint, Lesson, ModelPrint
from engine.nearest import nearest
from engine.problem import Problem
from engine.recipe.fields import FIELDS
from engine.shown import RunRow
from engine.text import one_line

_TERM: Final = re.compile(r"(?P<field>[A-Za-z_0-9]+)(?P<sign>:|>=|<=|>|<|=)(?P<value>.+)", re.DOTALL)
_RECIPE: Final = frozenset(field.name for field in FIELDS)
_SHORT: Final = {
    "rate": "learning_rate",
    "rank": "lora_r",
    "alpha": "lora_alpha",
    "epochs": "num_train_epochs",
    "batch": "per_device_train_batch_size",
    "length": "max_length",
}
_FACTS: Final[dict[str, Callable[[Lesson], Any]]] = {
    "run": lambda one: one.run,
    "name": lambda one: one.name,
    "status": lambda one: one.status,
    "model": lambda one: one.model.name,
    "family": lambda one: one.model.family,
    "data": lambda one: " ".join(one.data.files),
    "tag": lambda one: one.tags,
    "note": lambda one: one.note,
    "found": lambda one: [word for f in one.findings for word in (f.category, f.name, f.title)],
    "reason": lambda one: one.reason,
    "device": lambda one: one.hardware,
    "loss": lambda one: one.loss,
    "eval": lambda one: one.eval_loss,
    "steps": lambda one: one.steps,
    "rows": lambda one: one.data.rows,
    "parent": lambda one: one.parent or "",
    "from": lambda one: one.imported,
}
_NOT: Final = "not:"
_DATES: Final = ("after", "before")


class Term(msgspec.Struct, frozen=True):
    """One condition."""

    field: str
    """Empty for a word that may stand anywhere."""
    sign: str
    value: str
    without: bool = False
    number: float | None = None

    def fits(self, lesson: Lesson) -> bool:
        """True where the run meets the condition."""
        return self._met(lesson) != self.without

    def _met(self, lesson: Lesson) -> bool:
        if not self.field:
            return self.value in text_of(lesson)
        if self.field in _DATES:
            assert self.number is not None
            return lesson.created >= self.number if self.field == "after" else lesson.created < self.number
        had = _FACTS[self.field](lesson) if self.field in _FACTS else lesson.recipe.get(self.field)
        if self.sign in (":", "="):
            return self._says(had)
        return self._compares(had)

    def _says(self, had: Any) -> bool:
        if isinstance(had, bool) or had is None:
            return str(had).lower() == self.value
        if isinstance(had, (int, float)):
            return self.number is not None and abs(had - self.number) <= 1e-9 * max(
                abs(had), abs(self.number)
            )
        texts = had if isinstance(had, list) else [had]
        exact = self.field == "run" or self.sign == "="
        return any(self.value == str(t).lower() if exact else self.value in str(t).lower() for t in texts)

    def _compares(self, had: Any) -> bool:
        if self.number is None or isinstance(had, bool) or not isinstance(had, (int, float)):
            return False
        return bool({">": had > self.number, "<": had < self.number, ">=": had >= self.number,
                     "<=": had <= self.number}[self.sign])  # fmt: skip


def parsed(words: Iterable[str]) -> list[Term]:
    """The conditions that the words mean, all of which have to be met.

    Raises:
        Problem: a field that there is not, or a number or date that is none.
    """
    return [_term(word) for word in words if word.strip()]


def matches(terms: Iterable[Term], lesson: Lesson) -> bool:
    """True where the run meets all conditions."""
    return all(term.fits(lesson) for term in terms)


def text_of(lesson: Lesson) -> str:
    """All that a word without a field is looked for in, in lower case."""
    found = [f"{seen.category} {seen.title}" for seen in lesson.findings]
    parts = [lesson.run, lesson.name, lesson.status, lesson.model.name, *lesson.data.files, *lesson.tags,
             lesson.note, lesson.reason, lesson.hardware, lesson.imported, *found]  # fmt: skip
    return " ".join(parts).lower()


def of_row(row: RunRow) -> Lesson:
    """A run that has not ended, or is not learnt from yet, as far as a list shows it."""
    return Lesson(
        run=row.run,
        name=row.name,
        created=row.created,
        updated=row.updated,
        status=row.status,
        reason=f"{row.reason} {row.phase}".strip(),
        model=ModelPrint(name=row.model),
        data=DataPrint(files=row.data),
        hardware=row.device,
        steps=row.step,
        planned=row.steps,
        loss=row.loss,
        eval_loss=row.eval_loss,
        tags=row.tags,
        note=row.note,
    )


def as_typed(text: str) -> list[Term]:
    """The conditions in a text that is still typed: what is none yet counts as words."""
    found: list[Term] = []
    for word in text.split():
        try:
            found += parsed([word])
        except Problem:
            found.append(Term("", "", word.lower()))
    return found


def _term(word: str) -> Term:
    without = word.startswith(_NOT) and len(word) > len(_NOT)
    text = word.removeprefix(_NOT) if without else word
    found = _TERM.fullmatch(text)
    if found is None:
        return Term("", "", text.lower(), without)
    field, sign, value = found["field"].lower(), found["sign"], found["value"].lower()
    field = _SHORT.get(field, field)
    if field not in _FACTS and field not in _RECIPE and field not in _DATES:
        if sign == ":":  # such as C:\data or a time of day
            return Term("", "", text.lower(), without)
        names = [*_FACTS, *_SHORT, *_DATES, *_RECIPE]
        close = nearest(field, names)
        do = f"Did you mean {close}?" if close else f"There are {', '.join([*_FACTS, *_SHORT, *_DATES])}."
        raise Problem(f"Runs have no {one_line(field, 40)!r} to search by.", do=do)
    return Term(field, sign, value, without, _number(field, sign, value))


def _number(field: str, sign: str, value: str) -> float | None:
    if field in _DATES:
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            raise Problem(
                f"{one_line(value, 40)} is no date.",
                do=f"Write it as {field}:2026-11-30 or {field}:2026-11-30T18:00.",
            ) from None
    try:
        return float(value.replace(",", ""))
    except ValueError:
        if sign in (":", "="):
            return None
        raise Problem(f"{one_line(value, 40)} is no number.", do=f"Write {field}{sign}1e-4, say.") from None
