"""A search by successive halving: what it tries, who goes on, and that it goes on after a stop."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.problem import Problem
from engine.recipe import Recipe, RecipeFile
from engine.recipe.yaml import parse, read
from engine.run_state import RunState
from engine.search.plan import LEAST, candidates, going_on, rungs
from engine.search.record import driver, driving, found
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.search import search

RECIPE = Recipe(model="m", data="d", learning_rate=2e-4, lora_r=16, lora_alpha=32.0)


def test_the_recipe_itself_is_tried_first_and_then_one_thing_at_a_time() -> None:
    tried = candidates(RECIPE, 9)
    assert len(set(tried)) == 9
    assert (tried[0].learning_rate, tried[0].lora_r, tried[0].lora_alpha) == (2e-4, 16, 32.0)
    assert [each.learning_rate for each in tried[1:3]] == [6.7e-05, 6e-4]
    assert {(each.lora_r, each.lora_alpha) for each in tried[3:6]} == {(16, 16.0), (32, 64.0), (8, 16.0)}


def test_where_the_adapter_is_given_only_the_rate_is_varied() -> None:
    tried = candidates(Recipe(model="m", data="d", adapter="7"), 9)
    assert {(each.lora_r, each.lora_alpha) for each in tried} == {(16, 32.0)}
    assert len(tried) == 5


@given(st.integers(2, 18), st.integers(2, 5000))
def test_a_search_stays_within_its_budget_unless_steps_would_say_nothing(count: int, budget: int) -> None:
    rounds = rungs(count, budget)
    spent, before = 0, 0
    for size, steps in rounds:
        spent += size * (steps - before)
        before = steps
    assert rounds[0][0] == count
    assert rounds[-1][0] <= 3
    assert spent <= budget or rounds[0][1] == LEAST
    assert all(a[0] > b[0] and a[1] * 3 == b[1] for a, b in pairwise(rounds))


def test_who_failed_never_goes_on() -> None:
    assert going_on([2.0, None, 1.0, float("nan"), 1.5], 2) == [2, 4]
    assert going_on([None, None], 1) == []


class FakeRuns:
    """A session whose runs end at once, with a loss decided by their recipe."""

    def __init__(self, home: Path, loss: Callable[[Recipe, int], float | None]) -> None:
        self.welcome = SimpleNamespace(home=str(home))
        self.home, self.loss = home, loss
        self.states: dict[str, RunState] = {}
        self.recipes: dict[str, Recipe] = {}
        self.submitted: list[Recipe] = []
        self.stop_at: int | None = None

    def submit(self, recipe: RecipeFile) -> str:
        run = str(len(self.states) + 1)
        (self.home / "runs" / run).mkdir(parents=True)
        self.states[run], self.recipes[run] = RunState(run=run), recipe.recipe
        self.submitted.append(recipe.recipe)
        return run

    def state(self, run: str) -> RunState:
        return self.states[run]

    def act(self, run: str, verb: str, context: Any = None, settings: dict[str, str] | None = None) -> None:
        assert verb == "resume"
        assert settings is not None
        steps = int(settings["max_steps"])
        self.recipes[run] = msgspec.structs.replace(self.recipes[run], max_steps=steps)

    def follow(self, run: str, state: RunState) -> Iterator[list[bytes]]:
        if self.stop_at is not None and len(self.states) > self.stop_at:
            self.stop_at = None
            state.status, state.outcome = (
                "stopped",
                ev.Finished(run=run, outcome="stopped", steps=1, loss=1.0, adapter=None),
            )
            state.step = 1
            yield []
            return
        steps = self.recipes[run].max_steps
        loss = self.loss(self.recipes[run], steps)
        state.step = steps
        if loss is None:
            state.status, state.outcome = "failed", ev.Failed(run=run, steps=steps, what="It broke.")
        else:
            state.eval_loss.add(steps, loss)
            state.status = "succeeded"
            state.outcome = ev.Finished(run=run, outcome="succeeded", steps=steps, loss=loss, adapter=None)
        yield []


def recipe(folder: Path, **fields: object) -> RecipeFile:
    lines = {"model": "m", "data": "d.jsonl", "learning_rate": 2e-4, **fields}
    text = "# mine\n" + "".join(f"{name}: {value}\n" for name, value in lines.items())
    return parse(text, folder / "mine.yaml")


def words(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**({"trials": 6, "budget": 120, "json": True} | changes))


def best_at_three_times_the_rate(recipe: Recipe, steps: int) -> float | None:
    if recipe.lora_r == 32:
        return None
    return abs(recipe.learning_rate - 6e-4) * 1000 + 1 / steps


def test_the_better_third_goes_on_and_the_winner_is_left_as_a_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = FakeRuns(tmp_path, best_at_three_times_the_rate)
    assert search(recipe(tmp_path), runs, words()) == 0  # type: ignore[arg-type]
    told = json.loads(capsys.readouterr().out)
    assert told["winner"]["learning_rate"] == 6e-4
    assert [len(trial["losses"]) for trial in told["trials"]] == [2, 2, 1, 1, 1, 1]
    assert told["trials"][-1]["why"] == "It broke."
    assert len(runs.submitted) == 6, "those that go on are resumed, not begun again"
    assert all(each.lr_scheduler_type == "constant" and each.save_steps == 0 for each in runs.submitted)
    left = read(Path(told["recipe"]))
    assert (left.recipe.learning_rate, left.recipe.lr_scheduler_type) == (6e-4, "cosine")
    assert left.text.startswith("# mine")
    assert "lowest held-out loss" in told["why"]


def test_the_same_words_go_on_after_a_stop_and_try_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = FakeRuns(tmp_path, best_at_three_times_the_rate)
    runs.stop_at = 2
    assert search(recipe(tmp_path), runs, words()) == INTERRUPTED  # type: ignore[arg-type]
    assert len(runs.submitted) == 3
    assert search(recipe(tmp_path), runs, words()) == 0  # type: ignore[arg-type]
    assert "search 1 goes on" in capsys.readouterr().err
    assert len(runs.submitted) == 6
    assert search(recipe(tmp_path), runs, words()) == 0  # type: ignore[arg-type]
    assert len(runs.submitted) == 6, "a search that is over is told once more"
    assert search(recipe(tmp_path), runs, words(budget=200)) == 0  # type: ignore[arg-type]
    assert [each.number for each in found(tmp_path)] == [1, 2]


def test_one_process_alone_goes_through_a_search(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, best_at_three_times_the_rate)
    assert search(recipe(tmp_path), runs, words()) == 0  # type: ignore[arg-type]
    [record] = found(tmp_path)
    assert record.round is None
    assert driver(record.number, tmp_path) is None
    with driving(record, tmp_path):
        assert driver(record.number, tmp_path) == os.getpid()
        with pytest.raises(Problem, match="under way already"):
            search(recipe(tmp_path), runs, words())  # type: ignore[arg-type]


def test_where_every_trial_fails_it_says_why(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, lambda recipe, steps: None)
    with pytest.raises(Problem, match="Every trial failed"):
        search(recipe(tmp_path), runs, words())  # type: ignore[arg-type]


def test_it_needs_rows_to_measure_on(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, best_at_three_times_the_rate)
    with pytest.raises(Problem, match="rows to measure on"):
        search(recipe(tmp_path, eval_split=0), runs, words())  # type: ignore[arg-type]
    with pytest.raises(Problem, match="two trials"):
        search(recipe(tmp_path), runs, words(trials=1))  # type: ignore[arg-type]
