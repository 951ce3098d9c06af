"""What past runs say of a recipe before it runs: settings that failed here, and those that worked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Literal

import msgspec

from engine.findings import Category, Finding, Patch
from engine.lessons.alike import Fingerprint, fingerprint, models_alike, short_name
from engine.lessons.lesson import Lesson, ModelPrint, Seen
from engine.lessons.record import times
from engine.recipe.edit import written

_LIKE: Final = 0.8
"""From here on models share a family and nearly a size, or more."""
_MOST: Final = 300
"""Of the newest such runs: what is older was mostly done with other code."""
_TOLERANCE: Final = 1e-6
_SHOWN: Final = 4
_PLACES: Final = frozenset({"run_name", "output_dir", "save_steps", "save_total_limit", "sample_steps",
                            "sample_prompts", "sample_max_new_tokens", "eval_steps"})  # fmt: skip
"""Fields that do not decide whether a run goes well."""
_NOT_THE_RECIPES: Final[frozenset[Category]] = frozenset({
    "save_or_disk", "hub_auth_or_gated", "cuda_driver_or_arch", "hang_or_slow", "dependency_version",
    "checkpoint_resume", "distributed_launch", "device_mismatch", "quantization_backend", "history",
})  # fmt: skip
"""What the machine or the hub was to blame for, and may have been mended since."""


_OF_THE_CARD: Final[frozenset[Category]] = frozenset({"oom", "oom_at_checkpoint_or_eval"})


class Suspect(msgspec.Struct, frozen=True):
    """The setting that a kind of failure is held against."""

    fields: tuple[str, ...]
    """Numbers whose product decides."""
    worse: Literal["up", "down"]
    did: str
    """What runs with it did."""
    beside: tuple[str, ...] = ()
    """Fields that have to be the same for the failure to say anything."""
    same_card: bool = False


_RATE: Final = ("learning_rate",)
_ROOM: Final = ("per_device_train_batch_size", "max_length")
_HELD: Final = ("gradient_checkpointing", "load_in_4bit", "load_in_8bit")
SUSPECTS: Final[dict[Category, Suspect]] = {
    "loss_spike_divergence": Suspect(_RATE, "up", "diverged"),
    "nan_or_inf": Suspect(_RATE, "up", "came to numbers that are none", ("mixed_precision",)),
    "garbage_after_training": Suspect(_RATE, "up", "ended in garbage"),
    "loss_not_decreasing": Suspect(_RATE, "down", "learnt nothing"),
    "overfit_memorising": Suspect(("num_train_epochs",), "up", "learnt its rows by heart"),
    "oom": Suspect(_ROOM, "up", "ran out of memory", _HELD, same_card=True),
    "oom_at_checkpoint_or_eval": Suspect(_ROOM, "up", "ran out of memory", _HELD, same_card=True),
}


def history(recipe: dict[str, Any], mark: Fingerprint, lessons: Iterable[Lesson]) -> list[Finding]:
    """Findings on a recipe from runs of models like its own, the surest first.

    Args:
        recipe: every field by name, as `engine.recipe.resuming.values` gives them.
        mark: what the run would be.
        lessons: the newest first.
    """
    near = list(islice(_near(mark, lessons), _MOST))
    said = [finding for one in _groups() if (finding := _said(recipe, mark, near, *one)) is not None]
    if not said:
        said += _repeated(recipe, mark, near)
    return sorted(said, key=lambda f: (f.severity == "note", -f.confidence))


def known_to_fail(recipe: dict[str, Any], mark: Fingerprint, lessons: Iterable[Lesson]) -> list[Finding]:
    """Those of the findings that say: with this it failed, and nothing speaks for another outcome."""
    return [finding for finding in history(recipe, mark, lessons) if finding.severity == "warning"]


def went_wrong(lesson: Lesson, categories: Iterable[Category]) -> bool:
    """True where the run met such trouble and did not come well out of it."""
    wanted = set(categories)
    grave = [found for found in lesson.findings if found.severity != "note" and not _from_the_start(found)]
    seen = [found for found in grave if found.category in wanted]
    if not seen:
        return False
    if lesson.status == "failed" or any(found.severity == "blocker" for found in seen):
        return True
    lasting = wanted & {"overfit_memorising", "loss_not_decreasing", "garbage_after_training"}
    return bool(lasting) or not _improved(lesson)


def _from_the_start(found: Seen) -> bool:
    """True for garbage that the first step met: the model or its template brought it, and no setting did."""
    return found.category == "garbage_after_training" and found.step is not None and found.step <= 1


def worked(lesson: Lesson) -> bool:
    """True where the run ended well and nothing graver than a note was found."""
    return lesson.status == "succeeded" and all(found.severity == "note" for found in lesson.findings)


def _near(mark: Fingerprint, lessons: Iterable[Lesson]) -> Iterator[Lesson]:
    """Those with the objective and the method, on models that are like."""
    like: dict[ModelPrint, bool] = {}
    for lesson in lessons:
        other = fingerprint(lesson)
        if not lesson.recipe or (mark.objective, mark.method) != (other.objective, other.method):
            continue
        if other.model not in like:
            like[other.model] = models_alike(mark.model, other.model) >= _LIKE
        if like[other.model]:
            yield lesson


def _groups() -> Iterator[tuple[tuple[Category, ...], Suspect]]:
    """Each suspect with all categories that it is held to account for in the same words."""
    for suspect in dict.fromkeys(SUSPECTS.values()):
        yield tuple(name for name, other in SUSPECTS.items() if other == suspect), suspect


def _said(
    recipe: dict[str, Any],
    mark: Fingerprint,
    near: Sequence[Lesson],
    categories: tuple[Category, ...],
    suspect: Suspect,
) -> Finding | None:
    here = _amount(recipe, suspect)
    like = [lesson for lesson in near if _comparable(recipe, mark, lesson, suspect)]
    amounts = [(amount, lesson) for lesson in like if (amount := _amount(lesson.recipe, suspect)) is not None]
    if here is None:
        return None
    failed = [(amount, one) for amount, one in amounts if went_wrong(one, categories)]
    failed = [(amount, one) for amount, one in failed if _at_least(here, amount, suspect)]
    held = [one for amount, one in amounts if _at_least(amount, here, suspect) and worked(one)]
    if not failed or len(held) >= len(failed):
        return None
    good = [(amount, one) for amount, one in amounts if not _at_least(amount, here, suspect) and worked(one)]
    return _finding(recipe, mark, categories[0], suspect, failed, held, _best(good, suspect))


def _finding(
    recipe: dict[str, Any],
    mark: Fingerprint,
    category: Category,
    suspect: Suspect,
    failed: list[tuple[float, Lesson]],
    held: list[Lesson],
    good: Lesson | None,
) -> Finding:
    least = min(failed, key=lambda pair: pair[0] if suspect.worse == "up" else -pair[0])[1]
    runs = [lesson for _, lesson in failed]
    same = all(short_name(one.model.name) == short_name(mark.model.name) for one in runs)
    where = "on this model" if same else "on models like this one"
    title = f"{setting(least.recipe, suspect)} {suspect.did} {times(len(runs))} {where} ({named(runs)})"
    if good is not None:
        title += f"; {setting(good.recipe, suspect, recipe)} worked ({named([good])})"
    changed = {} if good is None else _change(recipe, good, suspect)
    words = ", ".join(
        f"{name} {written(recipe.get(name))} -> {written(value)}" for name, value in changed.items()
    )
    return Finding(
        category="history",
        severity="warning" if len(runs) > 1 else "note",
        title=title,
        confidence=round((len(runs) + 1) / (len(runs) + len(held) + 2), 2),
        evidence=[_evidence(one, (category,)) for one in [*runs[:_SHOWN], *([good] if good else [])]],
        cause=f"This recipe has {setting(recipe, suspect)}.",
        remedy=f"Take what worked: {words}." if words else f"Choose another {' or '.join(suspect.fields)}.",
        patch=Patch(label=words, recipe=changed) if changed else None,
        check=f"history.{category}",
    )


def _repeated(recipe: dict[str, Any], mark: Fingerprint, near: Sequence[Lesson]) -> Iterator[Finding]:
    """The same recipe on the same data has failed before, for whatever reason that lies in the recipe."""
    same = [one for one in near if _same_recipe(recipe, one.recipe) and _same_data(mark, one)]
    failed = [one for one in same if one.status == "failed" and not _excused(one, mark)]
    if not failed or any(worked(one) for one in same):
        return
    yield Finding(
        category="history",
        severity="warning" if len(failed) > 1 else "note",
        title=f"This very recipe has failed {times(len(failed))} ({named(failed)})",
        confidence=round((len(failed) + 1) / (len(failed) + 2), 2),
        evidence=[_evidence(one, ()) for one in failed[:_SHOWN]],
        cause="Nothing that decides the run has changed since.",
        remedy="Change what the finding of that run names; `openlora advise RUN` says it.",
        check="history.repeated",
    )


def setting(recipe: dict[str, Any], suspect: Suspect, against: dict[str, Any] | None = None) -> str:
    """The fields that decide, with their values; beside another recipe the value alone of a single one."""
    if against is not None and len(suspect.fields) == 1:
        return written(recipe.get(suspect.fields[0]))
    return " at ".join(f"{name} {written(recipe.get(name))}" for name in suspect.fields)


def named(lessons: Sequence[Lesson]) -> str:
    """`run 12`, or `runs 12, 19` in their order."""
    runs = [lesson.run for lesson in sorted(lessons, key=lambda lesson: lesson.created)]
    more = f" and {len(runs) - _SHOWN:,} more" if len(runs) > _SHOWN else ""
    return f"run{'s' * (len(runs) > 1)} {', '.join(runs[:_SHOWN])}{more}"


def _change(recipe: dict[str, Any], good: Lesson, suspect: Suspect) -> dict[str, Any]:
    return {n: good.recipe[n] for n in suspect.fields if good.recipe.get(n) != recipe.get(n)}


def _evidence(lesson: Lesson, categories: Sequence[Category]) -> str:
    seen = [one.title for one in lesson.findings if one.category in categories or not categories]
    outcome = f"eval loss {lesson.eval_loss:.4g}" if lesson.eval_loss is not None else ""
    said = [f"run {lesson.run} {lesson.status}", *seen[:1], *([lesson.reason] if not seen else []), outcome]
    return ": ".join(filter(None, said))


def _best(good: list[tuple[float, Lesson]], suspect: Suspect) -> Lesson | None:
    """The setting that worked and lies nearest to what is asked for."""
    way = 1 if suspect.worse == "up" else -1
    return max(good, key=lambda pair: way * pair[0])[1] if good else None


def _comparable(recipe: dict[str, Any], mark: Fingerprint, lesson: Lesson, suspect: Suspect) -> bool:
    if suspect.same_card and mark.hardware and lesson.hardware != mark.hardware:
        return False
    return all(lesson.recipe.get(name) == recipe.get(name) for name in suspect.beside)


def _amount(recipe: dict[str, Any], suspect: Suspect) -> float | None:
    product = 1.0
    for name in suspect.fields:
        value = recipe.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            return None
        product *= value
    return product


def _at_least(one: float, other: float, suspect: Suspect) -> bool:
    """True where `one` is no milder a setting than `other`."""
    if suspect.worse == "up":
        return one >= other * (1 - _TOLERANCE)
    return one <= other * (1 + _TOLERANCE)


def _same_recipe(one: dict[str, Any], other: dict[str, Any]) -> bool:
    names = (one.keys() | other.keys()) - _PLACES
    return all(_plain(one.get(name)) == _plain(other.get(name)) for name in names)


def _plain(value: Any) -> Any:
    """A list of one is what is in it: the two are written alike."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _same_data(mark: Fingerprint, lesson: Lesson) -> bool:
    if mark.data.digest and lesson.data.digest:
        return mark.data.digest == lesson.data.digest
    return not mark.data.files or set(mark.data.files) == set(lesson.data.files)


def _excused(lesson: Lesson, mark: Fingerprint) -> bool:
    """True where the machine was to blame, or another one had less memory."""
    grave = {found.category for found in lesson.findings if found.severity == "blocker"}
    if mark.hardware and lesson.hardware != mark.hardware:
        grave -= _OF_THE_CARD
        return not grave or grave <= _NOT_THE_RECIPES
    return bool(grave) and grave <= _NOT_THE_RECIPES


def _improved(lesson: Lesson) -> bool:
    first, best = lesson.first_eval_loss, lesson.eval_loss
    return first is not None and best is not None and best < first
