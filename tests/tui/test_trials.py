"""Values are found before a run from the Recipe screen: by a test of rates, and by a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import events as ev
from engine import messages as ms
from engine.findings import Finding, Patch
from engine.problem import Problem
from engine.recipe import parse
from engine.run_state import RunState
from engine.search import record as records
from engine.search.plan import candidates
from engine.search.record import Record, Trial
from openlora_tui import searching
from openlora_tui.modals.search import SearchPlan, SearchView
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine, row
from tests.tui.recipe_driving import notice, opened_recipe, ready, until
from tests.tui.screen_picture import as_found_good, shown

FITS = Finding(
    category="hyperparameter",
    severity="note",
    title="A learning rate of 3e-4 fits",
    patch=Patch(label="learning_rate 0.0003", recipe={"learning_rate": 3e-4}),
)


async def test_a_rate_is_tested_and_what_an_earlier_test_found_is_taken(
    opened: Any, engine: FakeEngine, mine: Path
) -> None:
    async with opened() as pilot:
        engine.list([])
        screen = await opened_recipe(pilot, mine)
        await ready(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "up to 100 steps of 16 rows" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))
        (submit,) = engine.asked(ms.Submit)
        assert isinstance(submit, ms.Submit)
        assert submit.name == "mine-rate"
        tested = parse(submit.recipe).recipe
        assert (tested.lr_scheduler_type, tested.max_steps, tested.learning_rate) == ("range_test", 100, 1.0)
        assert screen.draft.value("learning_rate") == 1e-4, "the recipe under edit stays as it is"
        engine.refuse(what="Not now.")

        done = ev.Finished(run="9", outcome="succeeded", steps=80, loss=2.0, adapter=None, findings=[FITS])
        engine.states["9"] = RunState(run="9", status="succeeded", findings=[FITS], outcome=done)
        engine.list([row("mine-rate", "succeeded", run="9")])
        await settle(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "Run 9 has tested" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: screen.draft.value("learning_rate") == 3e-4)
        await pilot.press("u")
        assert screen.draft.value("learning_rate") == 1e-4
        pilot.app.open_run("9")
        await until(pilot, lambda: "fits     learning_rate 0.0003" in shown(pilot.app))
        assert "3 l takes it into the recipe" in shown(pilot.app)


class Begun:
    """A search that a process goes through, as far as a test has written it down."""

    def __init__(self, recipe: Any, trials: int, budget: int, home: Path) -> None:
        tried = [Trial(candidate=each) for each in candidates(recipe.recipe, trials)]
        self.record = Record(number=3, key="k", name=recipe.name, budget=budget, trials=tried)
        self.home = home
        self.problem: Problem | None = None
        self.write()

    async def begun(self, home: Path) -> int:
        return self.record.number

    def refused(self) -> None:
        if self.problem is not None:
            raise self.problem

    def write(self, *losses: list[float | None]) -> None:
        """What each trial has come to, from the first on."""
        for at, (trial, found) in enumerate(zip(self.record.trials, losses, strict=False), 1):
            trial.losses, trial.run = found, f"{20 + at}"
        records.save(self.record, self.home)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Begun]:
    made: list[Begun] = []

    def begin(*words: Any) -> Begun:
        made.append(Begun(*words))
        return made[-1]

    monkeypatch.setattr(searching, "Process", begin)
    return made


async def test_a_search_is_planned_watched_and_its_winner_taken(
    opened: Any,
    engine: FakeEngine,
    mine: Path,
    tmp_path: Path,
    begun: list[Begun],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.home = str(tmp_path)
    stopped: list[int] = []
    monkeypatch.setattr(records, "driver", lambda number, home: None if stopped else 4242)
    monkeypatch.setattr(searching, "stop", lambda record, home: not stopped.append(record.number))
    async with opened() as pilot:
        engine.list([])
        screen = await opened_recipe(pilot, mine)
        await ready(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchPlan))
        await until(pilot, lambda: "9 for 30, 3 up to 90 steps: 450 in all" in shown(pilot.app))
        await pilot.press("backspace", "1", "enter")
        assert isinstance(pilot.app.screen, SearchPlan), "a search of one is none"
        assert "needs two trials" in shown(pilot.app)
        await pilot.press("backspace", "4", "tab", *["backspace"] * 3, *"60", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchView))
        (search,) = begun
        assert (len(search.record.trials), search.record.budget) == (4, 60)
        search.write([2.5], [2.0], [None], [2.25])
        search.record.trials[2].why = "It broke."
        search.write()
        engine.list([row("mine-search3-2", "running", run="22", step=12, steps=30)])
        await until(pilot, lambda: "running 12/30" in shown(pilot.app))
        as_found_good(pilot.app, "search-under-way")
        await pilot.press("S")
        await until(pilot, lambda: "stopped, round 2 of 2" in shown(pilot.app))
        assert stopped == [3]
        search.write([2.5], [2.0, 1.5], [None], [2.25, 1.75])
        await until(pilot, lambda: "came to 1.75" in shown(pilot.app))
        assert "over" in shown(pilot.app)
        await pilot.press("p")
        await until(pilot, lambda: pilot.app.screen is screen)
        best = search.record.trials[1].candidate
        assert screen.draft.value("learning_rate") == best.learning_rate
        await pilot.press("t")
        await until(pilot, lambda: "search 3" in shown(pilot.app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchView))


async def test_why_a_search_ended_is_told(
    opened: Any, engine: FakeEngine, mine: Path, tmp_path: Path, begun: list[Begun]
) -> None:
    engine.home = str(tmp_path)
    async with opened() as pilot:
        engine.list([])
        await opened_recipe(pilot, mine)
        await ready(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchPlan))
        await pilot.press("enter")
        await until(pilot, lambda: bool(begun))
        begun[0].problem = Problem("Every trial failed.", do="Look at run 21.")
        await until(pilot, lambda: "Every trial failed." in notice(pilot))


def test_a_command_that_refuses_a_search_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.jsonl").write_text('{"prompt": "Hi", "completion": "Ho"}\n')
    recipe = parse("model: /nowhere\ndata: d.jsonl\n", tmp_path / "mine.yaml")
    process = searching.Process(recipe, 4, 60, tmp_path)
    process._process.wait(60)
    with pytest.raises(Problem, match="nowhere"):
        process.refused()
