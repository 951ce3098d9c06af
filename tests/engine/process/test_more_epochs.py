"""A finished run is resumed with more epochs, by the words of the command line."""

from __future__ import annotations

import json

import pytest

from engine import events as ev
from engine.event_log import EventReader
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir
from engine.run_state import RunState
from openlora_tui.cli.main import main
from tests.engine.process.driving import Driver


def test_a_finished_run_trains_on_and_refuses_to_where_nothing_is_left(
    driver: Driver, capsys: pytest.CaptureFixture[str]
) -> None:
    run = driver.submit(max_steps=6, eval_steps=0, save_steps=0)
    assert driver.ended(run).status == "succeeded"
    with pytest.raises(Problem, match="has finished"):
        driver.session.act(run, "resume")
    with pytest.raises(Problem, match="has finished"):
        driver.session.act(run, "resume", settings={"num_train_epochs": "9"})  # max_steps decides

    words = ["runs", "resume", run, "--epochs", "+1", "--schedule", "rewarm", "--json"]
    assert main(words) == 0
    out = capsys.readouterr()
    last = json.loads(out.out.splitlines()[-1])
    state: RunState = driver.session.state(run)
    assert (last["event"], last["steps"]) == ("finished", state.step)
    assert state.step > 6
    recipe = read(RunDir(driver.root, run).recipe).recipe
    assert (recipe.max_steps, recipe.restart_step) == (-1, 6)
    decoded = (ev.decode(line) for line in EventReader(RunDir(driver.root, run).events))
    rates = {event.step: event.lr for event in decoded if isinstance(event, ev.Step)}
    assert rates[6] < rates[7] <= rates[8]


def test_two_runs_are_compared_at_the_same_places(driver: Driver, capsys: pytest.CaptureFixture[str]) -> None:
    one = driver.submit(max_steps=8, eval_steps=0, save_steps=0)
    driver.ended(one)
    other = driver.submit(max_steps=4, eval_steps=0, save_steps=0, learning_rate=1e-4)
    driver.ended(other)
    assert main(["runs", "compare", one, other, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["points"][-1]["steps"] == [4, 4], "they are compared where both have been"
    assert told["recipe"]["learning_rate"] == ["0.005", "1e-4"]
    assert main(["runs", "compare", one, other, "--by", "share", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["points"][-1]["steps"] == [8, 4]
    assert None not in told["points"][-1]["loss"]
