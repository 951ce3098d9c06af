"""More epochs for a run that has ended: what the recipe becomes, and what the rate does then."""

from __future__ import annotations

import math
from typing import Final, Literal, get_args

import msgspec

from engine.problem import WORK_FAILED, Problem
from engine.recipe.recipe import Recipe
from engine.run_state import RunState
from engine.schedule import rate_at, stretch, warmup_steps

Schedule = Literal["extend", "rewarm", "constant"]
SCHEDULES: Final[tuple[Schedule, ...]] = get_args(Schedule)
_EXACT: Final = 1e-9


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What one choice comes to."""

    schedule: Schedule
    settings: dict[str, str]
    """The recipe's fields that change, as a person would type them."""
    steps: int
    """Optimizer steps of the whole run."""
    first: float
    """The rate of the first step that is added."""
    highest: float
    last: float

    def __str__(self) -> str:
        first, highest, last = (f"{rate:.2g}" for rate in (self.first, self.highest, self.last))
        match self.schedule:
            case "extend":
                return f"the old course, made longer: from {first} to {last}"
            case "rewarm":
                return f"from {first} up to {highest} again, ends at {last}"
            case "constant":
                return f"from {first} up to {highest}, and stays there"


def total_epochs(word: str, done: float) -> float:
    """The epochs of the whole run that `word` means: all of them, or with a plus how many more.

    Raises:
        Problem: it is no number, or not more than were done.
    """
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    more = word.strip().startswith("+")
    total = done + number if more else number
    if not math.isfinite(total) or number <= 0:
        raise Problem(f"{word!r} is no number of epochs.", do="Write 5 for five in all, or +2 for two more.")
    if total <= done + _EXACT:
        raise Problem(
            f"The run has done {_counted(done)} already.",
            why="The number of epochs counts those that were done.",
            do=f"Say {done + number:.4g} for {number:g} more, or +{number:g}.",
        )
    return total


def outlook(state: RunState, recipe: Recipe, epochs: float, schedule: Schedule) -> Outlook:
    """What `schedule` comes to for a run in `state` that is to have `epochs` in all."""
    at = state.checkpoint.step if state.checkpoint else 0
    settings = {"num_train_epochs": f"{epochs:.10g}"}
    if recipe.max_steps > 0:
        settings["max_steps"] = "-1"
    if schedule != "extend":
        settings["restart_step"] = str(at)
    if schedule == "constant":
        settings["lr_scheduler_type"] = "constant"
    after = msgspec.structs.replace(
        recipe,
        restart_step=int(settings.get("restart_step", recipe.restart_step)),
        lr_scheduler_type=settings.get("lr_scheduler_type", recipe.lr_scheduler_type),
    )
    steps = max(_steps(state, epochs), at + 1)
    begin, end = stretch(at + 1, steps, after.restart_step)
    top = min(max(begin + warmup_steps(end - begin, after.warmup_ratio), at) + 1, steps)
    rates = [rate_at(step, after, steps) for step in (at + 1, top, steps)]
    return Outlook(
        schedule=schedule, settings=settings, steps=steps, first=rates[0], highest=max(rates), last=rates[-1]
    )


def must_leave_something(state: RunState, recipe: Recipe, *, changed: bool, checkpoint: bool) -> None:
    """See to it that a run that has finished has something left to do under `recipe`.

    Args:
        changed: the recipe is not the one that it has finished.
        checkpoint: one is there.

    Raises:
        Problem: it has not, or nothing is there to go on from.
    """
    enough = recipe.max_steps <= state.step if recipe.max_steps > 0 else _seen(state, recipe)
    if enough or not changed:
        raise Problem(
            f"Run {state.run} has finished.",
            why=f"It has done {_counted(state.epoch)} in {state.step:,} steps, as its recipe wants it.",
            do=f"`openlora runs resume {state.run} --epochs +1` trains one more.",
            exit_status=WORK_FAILED,
        )
    if not checkpoint:
        raise Problem(
            f"Run {state.run} cannot go on: its checkpoints are gone.",
            do=f"Start a new run from what it learnt, with `adapter: {state.run}` in its recipe.",
            exit_status=WORK_FAILED,
        )


def _counted(epochs: float) -> str:
    return f"{epochs:.4g} epoch{'' if epochs == 1 else 's'}"


def _seen(state: RunState, recipe: Recipe) -> bool:
    return recipe.num_train_epochs <= state.epoch + _EXACT


def _steps(state: RunState, epochs: float) -> int:
    """As the loop counts them, from the plan that it announced."""
    if state.plan is None or state.plan.epochs <= 0:
        return 0
    return math.ceil(epochs * round(state.plan.steps / state.plan.epochs) - _EXACT)
