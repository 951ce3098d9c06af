"""Has a proposed change made: in the recipe under edit, in a run that is live, or in one that follows it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from engine import messages as ms
from engine.findings import Patch
from engine.problem import Problem
from engine.run_state import ENDED
from engine.text import one_line
from openlora_tui.modals.ask import Choice
from openlora_tui.recipe_diff import RecipeDiff, of_run, of_text

if TYPE_CHECKING:
    from openlora_tui.advice import Advice
    from openlora_tui.advisor_actions import AdvisorActions

RATE: Final = "learning_rate"


async def apply(app: AdvisorActions, patch: Patch, advice: Advice) -> None:
    """Show what the patch changes, ask how, and have it done."""
    from openlora_tui.modals.apply_patch import ApplyPatch

    if not patch.recipe:
        words = " ".join(f"--apply {word}" for word in patch.data)
        app.tell(f"This changes the data: openlora inspect DATA {one_line(words)} -o NEW.jsonl does it.")
        return
    row = app.session.rows.get(advice.run)
    try:
        diff = await asyncio.to_thread(_diff, app, patch, advice)
    except Problem as problem:
        app.tell_problem(problem.as_dict())
        return
    except OSError as error:
        app.tell(f"The recipe of the run cannot be read: {error.strerror or error}.")
        return
    ways, note = ways_of(row, patch, diff) if row is not None else (_IN_FORM, "")
    way = await app.push_screen_wait(ApplyPatch(patch, diff, ways, note))
    if way is not None:
        await _go(app, way, patch, row)


_IN_FORM: Final = (Choice("form", "change the recipe", "u on the Recipe screen takes it back"),)


def ways_of(row: ms.RunRow, patch: Patch, diff: RecipeDiff) -> tuple[list[Choice], str]:
    """How a change can be had where a run stands as it does, and what is to be known beside it."""
    new = Choice("recipe", "into a new recipe", "the form opens with it; nothing starts yet")
    if row.status not in ENDED:
        live = row.status in ("running", "paused")
        if live and set(patch.recipe) == {RATE}:
            now = Choice("rate", "change it now", "from the next step on, and the run goes on")
            return [now, new], ""
        return [
            new
        ], "A live run keeps its recipe, but for the learning rate. Stop it first to go on with this."
    ways = [Choice("retry", "try it in a new run", "linked to this one, from its last good checkpoint")]
    if row.status != "succeeded" and diff.resume != "refused" and row.step:
        ways.append(Choice("resume", "go on with it", "this run, from its last checkpoint"))
    return [*ways, new], ""


def _diff(app: AdvisorActions, patch: Patch, advice: Advice) -> RecipeDiff:
    if advice.run:
        home = app.session.welcome.home if app.session.welcome is not None else ""
        return of_run(home, advice.run, patch)
    if app.draft is None:
        raise Problem("There is no recipe to change.", do="Open one first.")
    return of_text(app.draft.text(), app.draft.path or app.draft.folder / "recipe.yaml", patch)


async def _go(app: AdvisorActions, way: str, patch: Patch, row: ms.RunRow | None) -> None:
    from openlora_tui.draft import said

    settings = {name: said(value) for name, value in patch.recipe.items()}
    if way == "form" or row is None:
        app.change_recipe(patch.recipe)
    elif way == "recipe":
        await app.open_changed(row.run, patch.recipe)
    elif way == "rate":
        app._act(row, "rate", settings)
    elif way == "resume":
        app._act(row, "resume", settings)
    elif way == "retry":
        app.session.act(row.run, "retry", partial(_began, app), patch=patch)


def _began(app: AdvisorActions, reply: ms.Accepted | ms.Refused) -> None:
    if isinstance(reply, ms.Refused):
        app.tell_problem(reply.problem)
    else:
        app.open_run(reply.run)
