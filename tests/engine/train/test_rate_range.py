"""The learning-rate range test: what its curve speaks for, and a run that ends without an adapter."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine import faults
from engine.event_log import append
from engine.job import Job
from engine.rate_range import finding, over, suggest
from engine.recipe.recipe import Recipe
from engine.run_state import RunState, apply
from engine.schedule import rate_at
from tests.engine.train.conftest import Run

STEPS = 100
RATES = [
    rate_at(step, Recipe(model="m", data="d", lr_scheduler_type="range_test", learning_rate=1.0), STEPS)
    for step in range(1, STEPS + 1)
]


def curve(good: float, noise: float = 0.0, start: float = 3.0) -> list[float]:
    """A loss that falls around the rate `good`, is lowest at about ten times as much, and rises beyond."""
    found = []
    for at, rate in enumerate(RATES):
        fall = 1.5 / (1 + (good / rate) ** 1.5)
        rise = max(math.log10(rate / (10 * good)), 0.0) ** 2 * 4
        found.append(start - fall + rise + noise * math.sin(at * 12.9898))
    return found


def test_the_rate_rises_by_one_factor_in_each_step_to_the_peak() -> None:
    factors = {round(b / a, 9) for a, b in pairwise(RATES)}
    assert len(factors) == 1
    assert RATES[0] == pytest.approx(1e-6)
    assert RATES[-1] == 1.0


@given(st.floats(-4.5, -2.0), st.floats(0, 0.05))
def test_the_rate_lies_where_the_loss_falls(exponent: float, noise: float) -> None:
    good = 10.0**exponent
    found = suggest(RATES, curve(good, noise))
    assert found is not None
    assert 0.05 * good <= found.rate <= 5 * good


def test_a_curve_that_never_falls_speaks_for_none() -> None:
    assert suggest(RATES, [3.0 + 0.01 * math.sin(at) for at in range(STEPS)]) is None
    assert suggest(RATES, [3.0 + at for at in range(STEPS)]) is None
    assert suggest(RATES[:5], curve(1e-3)[:5]) is None


def test_a_test_is_over_once_the_loss_has_risen_and_not_by_one_bad_batch() -> None:
    falling = [3.0 - 0.01 * at for at in range(60)]
    assert not over(falling)
    assert not over([*falling, 4.0])
    assert over([*falling, *[9.0] * 6])


def test_a_finding_carries_the_rate_as_a_patch_or_says_what_to_do() -> None:
    state = RunState()
    for step, (rate, loss) in enumerate(zip(RATES, curve(1e-3), strict=True), 1):
        apply(state, ev.Step(step=step, loss=loss, lr=rate, grad_norm=1.0, tokens=1, label_tokens=1,
                             seconds=0.1, epoch=0.1))  # fmt: skip
    found = finding(state)
    assert found.patch is not None
    assert 1e-4 <= found.patch.recipe["learning_rate"] <= 5e-3
    assert "fits" in found.title
    nothing = finding(RunState())
    assert (nothing.severity, nothing.patch) == ("warning", None)


def test_a_run_that_tests_rates_ends_once_it_knows_and_leaves_no_adapter(job: Callable[..., Job]) -> None:
    changes: dict[str, Any] = {"lr_scheduler_type": "range_test", "learning_rate": 100.0, "max_steps": 60,
                               "max_grad_norm": 0.0}  # fmt: skip
    made = job("run", **changes)
    made.folder.mkdir()

    class Told(Run):
        def _report(self, event: ev.Event, /) -> None:
            super()._report(event)
            append(made.folder / "events.jsonl", [event])

    run = Told(made)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.end.adapter is None
    assert not made.adapter.exists()
    assert run.end.steps < 60, "the loss rises long before a rate of 100"
    [found] = [each for each in run.end.findings if "fits" in each.title or "saw no rate" in each.title]
    assert found.category in ("hyperparameter", "loss_not_decreasing")
    assert not run.of(ev.Evaluated)
    assert "loss_spike_divergence" not in {each.category for each in run.end.findings}


def test_a_test_of_rates_is_over_where_a_step_breaks_whatever_the_recipe_does_then(
    job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(loss: torch.Tensor, step: int, rows: object) -> torch.Tensor:
        return loss * (math.nan if step >= 6 else 1.0)

    monkeypatch.setattr(faults, "micro_batch", broken)
    made = job(
        "run", lr_scheduler_type="range_test", max_steps=12, eval_split=0.0, on_divergence="lower_rate"
    )
    run = Run(made)
    assert isinstance(run.end, ev.Finished), run.end
    assert not run.of(ev.RolledBack)
    assert not made.checkpoints.exists()
