"""A finished run that goes on, and one that ends early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.problem import Problem
from engine.recipe.going_on import outlook, total_epochs
from engine.recipe.recipe import Recipe
from engine.run_state import RunState
from engine.schedule import rate_at
from engine.train.saving.checkpoint import best, newest
from tests.engine.train.conftest import Start

RECIPE = Recipe(model="m", data="d", learning_rate=1e-3, warmup_ratio=0.1)
EPOCHS = {"max_steps": -1, "num_train_epochs": 1.0, "lora_dropout": 0.2}


def rates(**changes: Any) -> list[float]:
    steps = changes.pop("steps")
    recipe = Recipe(**{"model": "m", "data": "d", "learning_rate": 1e-3, **changes})
    return [rate_at(step, recipe, steps) for step in range(1, steps + 1)]


def test_a_restart_is_a_course_of_its_own_after_an_unchanged_first_one() -> None:
    for kind in ("cosine", "linear", "constant"):
        once = rates(steps=20, lr_scheduler_type=kind, warmup_ratio=0.2)
        twice = rates(steps=40, lr_scheduler_type=kind, warmup_ratio=0.2, restart_step=20)
        assert twice == once + once


@given(st.integers(1, 60), st.integers(0, 80), st.sampled_from(["cosine", "linear", "constant"]))
def test_every_rate_of_every_course_is_above_0_and_at_most_the_peak(
    steps: int, restart: int, kind: str
) -> None:
    found = rates(steps=steps, restart_step=restart, lr_scheduler_type=kind, warmup_ratio=0.1)
    assert all(0 < rate <= 1e-3 for rate in found)


def test_what_is_planned_grows_for_the_rules_too(start: Start) -> None:
    start("run", max_steps=3)
    more = start("run", max_steps=6)
    checkpoint, _ = newest(more.job.checkpoints)
    assert checkpoint is not None
    assert checkpoint.manifest.watch is not None
    assert checkpoint.manifest.watch.flat.steps == 6


def finished(**changes: Any) -> RunState:
    plan = ev.Planned(steps=15, epochs=3.0, rows=36, eval_rows=4, tokens=1, label_tokens=1, trainable=1,
                      parameters=1, precision="fp32", device="cpu", batch_rows=8)  # fmt: skip
    saved = ev.Saved(step=15, path="p", bytes=1, seconds=0.0)
    return RunState(run="7", status="succeeded", plan=plan, step=15, steps=15, epoch=3.0, checkpoint=saved)


def test_each_choice_says_which_rates_it_comes_to() -> None:
    extend, rewarm, constant = (
        outlook(finished(), RECIPE, 5.0, schedule) for schedule in ("extend", "rewarm", "constant")
    )
    assert extend.steps == rewarm.steps == constant.steps == 25
    assert extend.first == extend.highest == rate_at(16, RECIPE, 25) > extend.last
    assert (rewarm.highest, constant.highest, constant.last) == (1e-3, 1e-3, 1e-3)
    assert rewarm.first < 1e-3 > rewarm.last
    assert extend.settings == {"num_train_epochs": "5"}
    assert rewarm.settings == {"num_train_epochs": "5", "restart_step": "15"}
    assert constant.settings["lr_scheduler_type"] == "constant"


def test_epochs_are_counted_in_all_or_with_a_plus() -> None:
    assert total_epochs("5", 3.0) == 5.0
    assert total_epochs("+2", 3.0) == 5.0
    for wrong in ("3", "0", "-1", "many", "nan", "inf", "+0"):
        with pytest.raises(Problem):
            total_epochs(wrong, 3.0)


def test_a_finished_run_made_longer_is_the_run_that_was_as_long_from_its_last_rates_on(start: Start) -> None:
    """With a constant rate the course does not depend on the end, so the two are the same to the bit."""
    flat = EPOCHS | {"lr_scheduler_type": "constant", "warmup_ratio": 0.0}
    whole = start("whole", **(flat | {"num_train_epochs": 2.0}))
    first = start("run", **flat)
    assert first.end.outcome == "succeeded"
    second = start("run", **(flat | {"num_train_epochs": 2.0}))
    assert second.end.outcome == "succeeded"
    assert first.losses + second.losses == whole.losses
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, second.weights()[name]), name


def test_a_rewarmed_run_that_breaks_goes_on_along_the_same_course(start: Start) -> None:
    start("whole", **EPOCHS)
    start("broken", **EPOCHS)
    more = EPOCHS | {"num_train_epochs": 3.0, "restart_step": 5}
    whole = start("whole", **more)
    first = start("broken", (8, "interrupt"), **more)
    second = start("broken", **more)
    assert whole.end.steps == second.end.steps == 15
    taken = [step.lr for step in whole.of(ev.Step)]
    assert taken[:2] < taken[2:4]
    assert [step.lr for run in (first, second) for step in run.of(ev.Step)] == taken
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, second.weights()[name]), name


WORSE = {"max_steps": 30, "eval_steps": 2, "learning_rate": 0.3, "max_grad_norm": 0.0,
         "lr_scheduler_type": "constant", "early_stopping_patience": 2}  # fmt: skip


def stopped_early(start: Start, name: str = "run", **changes: Any) -> Any:
    run = start(name, **(WORSE | changes))
    assert isinstance(run.end, ev.Finished), run.end
    return run


def test_a_run_whose_held_out_loss_stops_falling_ends_early_with_its_best_adapter(start: Start) -> None:
    run = stopped_early(start)
    measured = {event.step: event.loss for event in run.of(ev.Evaluated)}
    lowest = min(measured, key=lambda step: measured[step])
    assert run.end.outcome == "succeeded"
    assert run.end.steps < 30
    after = [step for step in measured if step > lowest]
    assert len(after) == 2, measured
    assert any(finding.title.startswith("Ended early: 2 evaluations") for finding in run.end.findings)
    chosen = best(run.job.checkpoints)
    assert chosen is not None
    assert chosen.manifest.step == lowest
    assert (chosen.path / "adapter_model.safetensors").read_bytes() == (
        Path(run.end.adapter) / "adapter_model.safetensors"
    ).read_bytes()


def test_patience_is_kept_over_a_resume(start: Start) -> None:
    whole = stopped_early(start, "whole", save_steps=1)
    late = whole.end.steps - 1
    first = start("broken", (late, "interrupt"), save_steps=1, **WORSE)
    if not isinstance(first.end, ev.Failed):
        pytest.skip("it ended before the order came")
    checkpoint, _ = newest(first.job.checkpoints)
    assert checkpoint is not None
    assert checkpoint.manifest.waited > 0
    second = start("broken", save_steps=1, **WORSE)
    assert second.end.steps == whole.end.steps


def test_a_run_that_ended_early_goes_on_where_it_is_given_more(start: Start) -> None:
    first = stopped_early(start)
    second = start("run", **(WORSE | {"early_stopping_patience": 0, "max_steps": first.end.steps + 2}))
    assert second.end.steps == first.end.steps + 2


def test_a_gain_below_the_threshold_is_none(start: Start) -> None:
    calm = {"learning_rate": 1e-5, "max_steps": 12, "eval_steps": 1, "early_stopping_patience": 3}
    run = start("run", **calm, early_stopping_threshold=0.5)
    assert run.end.steps == 3
    assert start("all", **calm).end.steps == 12


@pytest.fixture
def unlike(tmp_path: Path) -> Path:
    """Rows with nothing in common with those that are learnt: each step makes the model worse at them."""
    path = tmp_path / "unlike.jsonl"
    lines = [{"question": f"x{i}", "answer": "ZQ%7#@ " * 5 + str(i)} for i in range(6)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("on_divergence", ["stop", "skip"])
def test_an_adapter_worse_than_no_training_is_told_of(start: Start, unlike: Path, on_divergence: str) -> None:
    """With `skip` there is a checkpoint from before the first step, which is no adapter to take."""
    run = start(eval_data=str(unlike), eval_split=0.0, learning_rate=0.05, eval_steps=1, max_steps=12,
                early_stopping_patience=3, on_divergence=on_divergence)  # fmt: skip
    losses = {event.step: event.loss for event in run.of(ev.Evaluated)}
    assert min(losses, key=lambda step: losses[step]) == 0, losses
    assert isinstance(run.end, ev.Finished), run.end
    [found] = [f for f in run.end.findings if "worse than the model was before training" in f.title]
    assert found.severity == "warning"
    taken = best(run.job.checkpoints)
    assert taken is not None
    assert taken.manifest.step == found.step > 0


def test_a_run_that_ends_as_planned_has_not_ended_early(start: Start) -> None:
    worse = {"learning_rate": 1e-5, "eval_steps": 1, "early_stopping_threshold": 0.5}
    run = start(**worse, max_steps=3, early_stopping_patience=3)
    assert not [f for f in run.end.findings if f.title.startswith("Ended early")]


def test_an_evaluation_that_an_interruption_left_out_comes_at_the_resume(start: Start) -> None:
    changes: dict[str, Any] = {"eval_steps": 2, "max_steps": 6, "load_best_model_at_end": True,
                               "save_total_limit": 9}  # fmt: skip
    whole = start("whole", **changes)
    first = start("broken", (2, "interrupt"), **changes)
    second = start("broken", **changes)

    def measured(*runs: Any) -> list[tuple[int, float]]:
        return [(event.step, event.loss) for run in runs for event in run.of(ev.Evaluated)]

    assert (first.end.steps, [step for step, _ in measured(first)]) == (2, [0])
    assert measured(first, second) == measured(whole)
    manifests = [json.loads(file.read_text()) for file in second.job.checkpoints.glob("step-*/manifest.json")]
    known = {manifest["step"]: manifest["eval_loss"] for manifest in manifests}
    assert known[2] == measured(whole)[1][1], "the best is looked for among all of them"
