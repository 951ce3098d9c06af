"""What fits: rows at a time, checkpointing, and the base in 4 bits where nothing else does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from engine.findings import Category, Finding
from engine.lessons.alike import short_name
from engine.lessons.history import went_wrong
from engine.lessons.lesson import Lesson
from engine.memory.experience import Experience, experience
from engine.memory.fitting import largest
from engine.memory.formula import BAND, predicted
from engine.memory.limit import Limit
from engine.memory.parts import Parts
from engine.messages import RunRow
from engine.recipe.recipe import Recipe
from engine.recommend.published import QLORA
from engine.recommend.situation import Situation
from engine.recommend.values import Plan, Value
from engine.text import amount

_FIELDS: Final = (
    "per_device_train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing", "load_in_4bit",
)  # fmt: skip
_QUICK: Final = 4
"""Rows at a time from which on a device is kept busy."""
_OOM: Final[tuple[Category, ...]] = ("oom", "oom_at_checkpoint_or_eval")


class Way(NamedTuple):
    """One way of holding the run in memory."""

    four: bool
    sparing: bool
    least: int
    """Rows at a time that it should leave room for."""


_WAYS: Final = (
    Way(False, False, _QUICK), Way(False, True, 1), Way(False, False, 1), Way(True, False, _QUICK),
    Way(True, True, 1),
)  # fmt: skip
"""The best first: what costs nothing, then time, then exactness."""


def fit(situation: Situation, plan: Plan, lessons: Sequence[Lesson]) -> Iterator[Finding]:
    """Settle how the run is held in memory; where it cannot be, say so."""
    limit = situation.limit
    if limit is None or not situation.config or predicted(plan.recipe, situation.config, cuda=True) is None:
        return
    batch = plan.recipe.batch_rows
    for way in _WAYS:
        held = _held(plan, way, limit)
        if held is None:
            continue
        most, told = _most(situation, held, limit, lessons)
        if most >= min(way.least, batch):
            plan.put(*_values(held, min(most, batch), limit, told, plan))
            return
    yield _too_large(plan.recipe, limit)


def peak(situation: Situation, recipe: Recipe) -> int | None:
    """Bytes at the peak by the formula; None where nothing is known of the model or the memory."""
    if situation.limit is None or not situation.config:
        return None
    parts = predicted(recipe, situation.config, cuda=situation.limit.cuda)
    return None if parts is None else parts.peak


def _held(plan: Plan, way: Way, limit: Limit) -> Recipe | None:
    """The recipe held this way; None where the device or the person does not want it."""
    wished = {"load_in_4bit": way.four, "gradient_checkpointing": way.sparing}
    if any(getattr(plan.recipe, name) != value and not plan.free(name) for name, value in wished.items()):
        return None
    if way.four and (not limit.cuda or plan.recipe.load_in_8bit):
        return None
    return replace(plan.recipe, **wished)


def _most(
    situation: Situation, recipe: Recipe, limit: Limit, lessons: Sequence[Lesson]
) -> tuple[int, list[str]]:
    """Rows at a time for which there is room, and the runs that ran out with more."""

    def price(wanted: Recipe) -> Parts:
        parts = predicted(wanted, situation.config, cuda=limit.cuda)
        assert parts is not None
        return parts

    past = experience(map(_row, lessons), recipe, limit)
    most = largest(recipe, price, _room(limit, past))
    failed = [lesson for lesson in lessons if _ran_out(lesson, recipe, limit)]
    if not failed:
        return most, []
    bound = min(_tokens(lesson) for lesson in failed)
    runs = [lesson.run for lesson in failed]
    return min(most, max((bound - 1) // recipe.max_length, 0)), runs


def _room(limit: Limit, past: Experience | None) -> int:
    """The most that may be predicted: past runs correct the formula, else its error is allowed for."""
    return past.room(limit) if past is not None else int(limit.bytes / BAND[1])


def _ran_out(lesson: Lesson, recipe: Recipe, limit: Limit) -> bool:
    """True where a run of this model, held this way on this device, ran out of memory."""
    same_place = lesson.hardware == (limit.name if limit.cuda else "cpu")
    same_way = all(
        bool(lesson.recipe.get(name)) == getattr(recipe, name)
        for name in ("load_in_4bit", "load_in_8bit", "gradient_checkpointing")
    )
    named = short_name(lesson.model.name) == short_name(recipe.model)
    return went_wrong(lesson, _OOM) and same_place and same_way and named and _tokens(lesson) > 0


def _tokens(lesson: Lesson) -> int:
    rows, length = (lesson.recipe.get(name) for name in ("per_device_train_batch_size", "max_length"))
    return rows * length if isinstance(rows, int) and isinstance(length, int) else 0


def _row(lesson: Lesson) -> RunRow:
    """The lesson as a run in a list, by which memory is judged."""
    recipe = lesson.recipe
    four = str(recipe.get("bnb_4bit_quant_type", "nf4")) if recipe.get("load_in_4bit") else ""
    return RunRow(
        run=lesson.run, name=lesson.name, status=lesson.status, model=lesson.model.name, data=[],
        created=lesson.created, updated=lesson.updated, device=lesson.hardware,
        base=four or ("int8" if recipe.get("load_in_8bit") else ""),
        predicted_memory=lesson.predicted_memory, peak_memory=lesson.peak_memory,
    )  # fmt: skip


def _values(held: Recipe, most: int, limit: Limit, runs: list[str], plan: Plan) -> Iterable[Value]:
    before = plan.values.get("per_device_train_batch_size")
    why: dict[str, Any] = {"source": "memory", "confidence": 0.8, "runs": runs}
    batch = held.batch_rows
    if plan.free("per_device_train_batch_size", "gradient_accumulation_steps"):
        rows = next(rows for rows in range(most, 0, -1) if batch % rows == 0)
        out = f" Runs {', '.join(runs)} ran out of memory with more." if runs else ""
        reason = f"{batch} rows a step, {rows} at a time: about {most:,} fit in {limit}.{out}"
        if rows == batch and before is not None:
            yield replace(before, value=rows, reason=f"{before.reason} They fit in {limit} at once.{out}")
        else:
            yield Value(field="per_device_train_batch_size", value=rows, reason=reason, **why)
        if rows < batch:
            yield Value(
                field="gradient_accumulation_steps", value=batch // rows,
                reason=f"Keeps {batch} rows a step where {rows} fit at a time: the same result.", **why,
            )  # fmt: skip
    yield Value(
        field="gradient_checkpointing", value=held.gradient_checkpointing, **why,
        reason="Makes room at the price of about a third more time."
        if held.gradient_checkpointing
        else f"There is room without it: {limit}.",
    )  # fmt: skip
    yield Value(
        field="load_in_4bit", value=held.load_in_4bit, **why,
        cites=[QLORA] if held.load_in_4bit else [],
        reason=f"In 16 bits the base does not fit in {limit}; QLoRA found no loss by 4 bits."
        if held.load_in_4bit
        else "The base fits as it is: 4 bits would cost time, and a little of what the model knows.",
    )  # fmt: skip
    yield _precision(held, limit)


def _precision(held: Recipe, limit: Limit) -> Value:
    return Value(
        field="mixed_precision", value="auto", source="default", confidence=0.8,
        reason="bf16 where the card has it: the range of fp32, which fp16 lacks."
        if limit.cuda
        else "fp32 on a CPU, where narrower numbers gain nothing here.",
    )  # fmt: skip


def _too_large(recipe: Recipe, limit: Limit) -> Finding:
    return Finding(
        category="oom",
        severity="warning",
        title=f"Not even one row of {recipe.max_length:,} tokens fits in {limit}",
        confidence=0.85,
        evidence=[f"{amount(limit.bytes)} with checkpointing{' and 4 bits' * limit.cuda}"],
        cause="The weights and what one row leaves behind take more than there is.",
        remedy="Take a smaller model, shorter rows (inspect --apply split=N), or a larger card.",
    )
