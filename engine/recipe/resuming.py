"""What a changed recipe means to a run that goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from engine import atomic
from engine.problem import Problem
from engine.recipe.check import Mistake, parsed
from engine.recipe.edit import written
from engine.recipe.field import Field, OnResume
from engine.recipe.fields import FIELDS
from engine.recipe.going_on import must_leave_something
from engine.recipe.places import check_paths
from engine.recipe.recipe import Recipe
from engine.recipe.yaml import override, read
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.text import one_line

_WORDS: Final[dict[OnResume, str]] = {
    "safe": "safe",
    "changes": "changes the mathematics",
    "refused": "refused",
}
_BATCH: Final = ("per_device_train_batch_size", "gradient_accumulation_steps")


class Change(msgspec.Struct, frozen=True):
    """A field of the recipe that is not what it was when the checkpoint was written."""

    field: Field
    old: object
    new: object
    means: OnResume

    def __str__(self) -> str:
        return f"{self.field.name}: {_shown(self.old)} -> {_shown(self.new)} ({_WORDS[self.means]})"


def values(recipe: Recipe) -> dict[str, Any]:
    """The recipe by field, as a checkpoint keeps it."""
    kept: dict[str, Any] = msgspec.to_builtins(recipe)
    return kept


def changes(old: Mapping[str, Any], new: Recipe) -> list[Change]:
    """The fields that differ, in the table's order; one that `old` does not know had its default then."""
    now = values(new)
    found = []
    for field in FIELDS:
        before = old.get(field.name, field.default)
        if _listed(before) != _listed(now[field.name]):
            found.append(Change(field, before, now[field.name], _means(field, old, new)))
    return found


def refuse(found: list[Change], where: str) -> None:
    """Raise a Problem that names the changes with which the run cannot go on, if there are any."""
    refused = [change for change in found if change.means == "refused"]
    if not refused:
        return
    said = "; ".join(f"{c.field.name} was {_shown(c.old)} and it is {_shown(c.new)} now" for c in refused)
    names = " and ".join(change.field.name for change in refused)
    raise Problem(
        f"The run cannot go on with another {names}.",
        where=where,
        why=f"At its last checkpoint {said}.",
        do=f"Put {names} back, or start a new run.",
    )


def take_settings(directory: RunDir, typed: Mapping[str, str], state: RunState) -> list[Change]:
    """Change the recipe of a run that has ended, to go on with it.

    Args:
        directory: the run's.
        state: how it ended; one that has finished needs something left to do.
        typed: fields and what a person typed for them.

    Returns:
        What differs from before.

    Raises:
        Problem: a field or a value is wrong, a file is not there, or what was learnt does not fit it.
    """
    finished = state.status == "succeeded"
    if not typed and not finished:
        return []
    before = read(directory.recipe)
    after = override(before, typed)
    found = changes(values(before.recipe), after.recipe)
    if directory.resumable():
        refuse(found, f"run {directory.run}")
    if finished:
        must_leave_something(state, after.recipe, changed=bool(found), checkpoint=directory.resumable())
    check_paths(after)
    if found:
        atomic.write(directory.recipe, after.text.encode())
    return found


def learning_rate_in(typed: Mapping[str, str]) -> float:
    """The learning rate that a person typed for a run that goes on.

    Raises:
        Problem: there is none, or it is no rate.
    """
    field = next(field for field in FIELDS if field.name == "learning_rate")
    text = typed.get(field.name, "")
    try:
        return float(parsed(field, text))
    except Mistake as mistake:
        what = f"{one_line(text, 40) or 'Nothing'} is no learning rate."
        raise Problem(what, why=f"{mistake.why}.", do=mistake.do or "Type one such as 1e-4.") from None


def _means(field: Field, old: Mapping[str, Any], new: Recipe) -> OnResume:
    if field.name in _BATCH:
        rows = 1
        for name in _BATCH:
            rows *= int(old.get(name, getattr(new, name)))
        # The same rows in other micro-batches come to the same step.
        return "safe" if rows == new.batch_rows else "changes"
    return field.on_resume


def _listed(value: object) -> object:
    """A list of one is what is in it: the two are written alike."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _shown(value: object) -> str:
    return written(_listed(value))
