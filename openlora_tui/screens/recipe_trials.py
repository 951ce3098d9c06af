"""What the Recipe screen does to find values before a run: a test of rates, and a search."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from engine.findings import Patch
from engine.problem import Problem
from engine.rate_range import came_to
from engine.recipe import RecipeFile, check_paths
from engine.run_state import ENDED, RunState
from engine.search import record as records
from engine.search.rate import STEPS, name_of_test, test_of
from engine.text import one_line
from openlora_tui import searching
from openlora_tui.modals.ask import Ask, Choice
from openlora_tui.modals.search import SearchPlan, SearchView
from openlora_tui.screens.recipe_acts import RecipeActs

_ANSWER: Final = 3.0
"""Seconds in which the engine says how an earlier test stands."""


class RecipeTrials(RecipeActs):
    """The part of the screen that has values tried."""

    _process: searching.Process | None = None

    def do_find_rate(self) -> None:
        """Have a learning rate found by a short test."""
        self.run_worker(self._find_rate(), exclusive=True, group="start")

    async def _find_rate(self) -> None:
        try:
            file = self.draft.file()
        except Problem as problem:
            self._refused(problem)
            return
        earlier = await self._earlier_test(file.name)
        answer = await self.app.push_screen_wait(_question(file, earlier))
        patch = came_to(earlier) if earlier is not None else None
        if answer == "take" and patch is not None:
            self._patched(patch)
        elif answer == "read" and earlier is not None:
            self.tui.open_run(earlier.run)
        elif answer == "test":
            await self._submit(test_of(file, {}))

    async def _earlier_test(self, name: str) -> RunState | None:
        """The newest test of a recipe of this name that has ended."""
        rows = self.tui.session.newest_first()
        row = next((r for r in rows if r.name == name_of_test(name) and r.status in ENDED), None)
        if row is None:
            return None
        told: asyncio.Future[RunState] = asyncio.get_running_loop().create_future()
        self.tui.session.glance(row.run, lambda state: None if told.done() else told.set_result(state))
        try:
            return await asyncio.wait_for(told, _ANSWER)
        except TimeoutError:
            return None

    def do_search(self) -> None:
        """Have rates, ranks and alphas tried."""
        self.run_worker(self._search(), exclusive=True, group="pick")

    async def _search(self) -> None:
        try:
            file = self.draft.file()
            await asyncio.to_thread(check_paths, file)
        except Problem as problem:
            self._refused(problem)
            return
        welcome = self.tui.session.welcome
        home = Path(welcome.home if welcome is not None else "")
        earlier = await asyncio.to_thread(records.found, home)
        answer = await self.app.push_screen_wait(SearchPlan(file.name, file.recipe, earlier))
        if isinstance(answer, tuple):
            answer = await self._begin(file, answer, home)
        if answer is None:
            return
        values = await self.app.push_screen_wait(SearchView(answer, home, self._process))
        if values is not None:
            told = ", ".join(f"{name} {value:g}" for name, value in values.items())
            self._patched(Patch(label=told, recipe=dict(values)))

    async def _begin(self, file: RecipeFile, plan: tuple[int, int], home: Path) -> int | None:
        if await self._stopped():
            return None
        try:
            self._process = searching.Process(file, *plan, home)
            self.tui.tell("The search begins. It goes on when this window closes.", good=True)
            return await self._process.begun(home)
        except Problem as problem:
            self.tui.tell_problem(problem.as_dict())
        except OSError as error:
            self.tui.tell(f"The search cannot begin: {error.strerror}.")
        return None


def _question(file: RecipeFile, earlier: RunState | None) -> Ask:
    batch = file.recipe.batch_rows
    text = (
        f"A fresh adapter takes up to {STEPS} steps of {batch:,} row{'s' * (batch != 1)} while the rate "
        "rises from 1e-6 to 1; the test ends where the loss has risen. Nothing is kept of it but which rate "
        f"fits. It is a run of its own, {name_of_test(file.name)}, in the queue."
    )
    choices = [Choice("test", "test", f"queue {STEPS} steps"), Choice("cancel", "cancel", "change nothing")]
    patch = came_to(earlier) if earlier is not None else None
    if earlier is not None:
        title = earlier.findings[-1].title if earlier.findings else "It was stopped before it could tell."
        text += f" Run {earlier.run} has tested a recipe of this name: {one_line(title, 100)}."
        choices.insert(0, Choice("read", f"run {earlier.run}", "open that test: its curve and its finding"))
    if patch is not None:
        rate = patch.recipe["learning_rate"]
        choices.insert(0, Choice("take", f"take {rate:g}", "write it into the recipe; it can be undone"))
    return Ask("Find a learning rate", text, choices)
