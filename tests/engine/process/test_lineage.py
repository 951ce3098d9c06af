"""A chain of runs, each going on from the one before, as the command line makes and shows it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.problem import Problem
from engine.recipe import changed, check_paths
from tests.engine.process.driving import Driver

FEW = {"max_steps": 3, "eval_steps": 0, "save_steps": 0}


def _openlora(*words: str) -> str:
    command = [sys.executable, "-m", "openlora_tui.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_chain_of_runs_is_shown_to_its_root(driver: Driver) -> None:
    first = driver.submit(**FEW)
    with pytest.raises(Problem, match="left no adapter"):
        check_paths(changed(driver.recipe, {"adapter": first}))
    ended = driver.ended(first)
    second = driver.submit(**FEW, adapter=first)
    goes_on = driver.ended(second)
    third = driver.submit(**FEW, adapter="last", lora_r=64)
    assert driver.ended(third).status == "succeeded"

    assert ended.plan is not None
    assert goes_on.plan is not None
    assert (ended.lineage, goes_on.lineage) == ([], [first])
    assert (ended.plan.rank, goes_on.plan.rank) == (4, 4)
    told = json.loads(_openlora("runs", "show", third, "--json"))
    assert (told["parent"], told["lineage"]) == (second, [second, first])
    assert f"from run {second} ← {first}" in _openlora("runs", "show", third)
    [row] = [row for row in driver.session.rows() if row.run == third]
    assert row.lineage == [second, first]
