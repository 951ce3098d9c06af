"""A step with a loss or gradient that is not finite never changes anything."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine import events as ev
from engine.recipe.recipe import Recipe
from engine.train.guard.ledger import BrokenStep, Entry, Ledger
from engine.train.journal import Journal
from engine.train.optimizers.groups import Group
from engine.train.optimizers.guarded import GuardedOptimizer
from tests.engine.train.conftest import Start

RECIPE = Recipe(model="m", data="d", learning_rate=0.1, weight_decay=0.1)


def optimizer(scaled: bool = False, **changes: Any) -> tuple[torch.nn.Parameter, GuardedOptimizer]:
    parameter = torch.nn.Parameter(torch.ones(4))
    guarded = GuardedOptimizer([Group([parameter])], RECIPE, torch.device("cpu"))
    if scaled:
        guarded.scale_for_fp16()
    return parameter, guarded


def step(parameter: torch.nn.Parameter, guarded: GuardedOptimizer, factor: float) -> list[float]:
    loss = (parameter * factor).sum()
    guarded.backward(loss)
    figures: list[float] = guarded.step(loss.detach(), 0.1).tolist()
    return figures


def snapshot(parameter: torch.nn.Parameter, guarded: GuardedOptimizer) -> list[torch.Tensor]:
    state = guarded.optimizer.state[parameter]
    return [t.detach().clone() for t in (parameter, state["exp_avg"], state["exp_avg_sq"], state["step"])]


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_broken_step_leaves_weights_moments_and_counters(factor: float) -> None:
    parameter, guarded = optimizer()
    assert step(parameter, guarded, 1.0)[2] == 0
    before = snapshot(parameter, guarded)
    assert step(parameter, guarded, factor)[2] == 1
    assert all(torch.equal(a, b) for a, b in zip(before, snapshot(parameter, guarded), strict=True))


def test_a_gradient_that_is_not_finite_is_enough() -> None:
    parameter, guarded = optimizer()
    step(parameter, guarded, 1.0)
    before = snapshot(parameter, guarded)
    guarded.backward((parameter * math.inf).sum())
    assert guarded.step(torch.tensor(1.0), 0.1)[2] == 1
    assert all(torch.equal(a, b) for a, b in zip(before, snapshot(parameter, guarded), strict=True))


def test_steps_after_a_broken_one_wait_for_the_host() -> None:
    parameter, guarded = optimizer()
    step(parameter, guarded, 1.0)
    step(parameter, guarded, math.nan)
    before = snapshot(parameter, guarded)
    step(parameter, guarded, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, snapshot(parameter, guarded), strict=True))


def test_under_a_scaler_an_overflow_is_passed_over_and_the_scale_falls() -> None:
    parameter, guarded = optimizer(scaled=True)
    assert guarded.scaler is not None
    step(parameter, guarded, 1.0)
    before, scale = snapshot(parameter, guarded), guarded.scaler.get_scale()
    guarded.backward((parameter * 3e38).sum())
    assert guarded.step(torch.tensor(1.0), 0.1)[2] == 1
    assert guarded.scaler.get_scale() == scale / 2
    assert all(torch.equal(a, b) for a, b in zip(before, snapshot(parameter, guarded), strict=True))
    assert step(parameter, guarded, 1.0)[2] == 0
    assert not torch.equal(before[0], parameter)


def test_clipping_shortens_to_the_limit_and_reports_the_length_before() -> None:
    parameter, guarded = optimizer()
    assert step(parameter, guarded, 10.0)[1] == pytest.approx(20.0)


def enter_many(ledger: Ledger, steps: range, loss: float, norm: float, passed_over: float) -> None:
    for step in steps:
        entry = Entry(
            step=step, rate=0.1, rows=[step], tokens=4, label_tokens=2, epoch=0, seconds=0, micro_batches=1
        )
        ledger.enter(entry, torch.tensor([loss, norm, passed_over]))


def test_fp16_may_fall_at_first_but_not_again_and_again() -> None:
    ledger = Ledger(Journal(lambda event: None), scaled=True)
    enter_many(ledger, range(16), 1.0, math.inf, 1.0)
    enter_many(ledger, range(16, 17), 1.0, 1.0, 0.0)
    with pytest.raises(BrokenStep) as broken:
        enter_many(ledger, range(17, 30), 1.0, math.inf, 1.0)
    assert broken.value.step == 21


def test_fp16_that_never_makes_a_good_step_ends() -> None:
    ledger = Ledger(Journal(lambda event: None), scaled=True)
    with pytest.raises(BrokenStep):
        enter_many(ledger, range(30), 1.0, math.inf, 1.0)


def test_a_loss_of_exactly_zero_ends_the_run() -> None:
    ledger = Ledger(Journal(lambda event: None), scaled=False)
    with pytest.raises(BrokenStep) as broken:
        enter_many(ledger, range(5), 0.0, 0.1, 0.0)
    assert broken.value.kind == "loss_zero"


def test_nan_in_a_run_names_the_rows_and_saves_no_adapter(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.train.objectives import supervised
    from engine.train.objectives.loss import summed_loss

    seen: list[list[torch.Tensor]] = []
    stepped = GuardedOptimizer.step

    def poisoned(*args: Any) -> torch.Tensor:
        return summed_loss(*args) * (math.nan if len(seen) == 3 else 1.0)

    def watched(self: GuardedOptimizer, loss: torch.Tensor, rate: float) -> torch.Tensor:
        figures = stepped(self, loss, rate)
        seen.append([p.detach().clone() for p in self.parameters])
        return figures

    monkeypatch.setattr(supervised, "summed_loss", poisoned)
    monkeypatch.setattr(GuardedOptimizer, "step", watched)
    run = start(max_steps=9)

    assert isinstance(run.end, ev.Failed)
    finding = run.end.findings[-1]
    assert finding.category == "nan_or_inf"
    assert finding.step is not None
    assert "Step 4" in run.end.what
    assert "rows.jsonl:" in run.end.why
    assert len(seen) == 5, "the host reads a step when the next one is under way"
    assert all(torch.equal(a, b) for later in seen[3:] for a, b in zip(seen[2], later, strict=True))
    assert not run.job.adapter.exists()
    assert run.of(ev.Step)[-1].loss is None


def test_fp16_on_the_cpu_trains_with_a_scaler(start: Start) -> None:
    run = start(mixed_precision="fp16", max_steps=8)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses[-1] < run.losses[0]


def _more_than_there_is() -> None:
    """What the CPU's allocator raises is no OutOfMemoryError."""
    torch.empty(1 << 50)


def _no_more_on_the_card() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def _no_more_in_a_library() -> None:
    raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")


@pytest.mark.parametrize("fails", [_more_than_there_is, _no_more_on_the_card, _no_more_in_a_library])
def test_out_of_memory_halves_the_micro_batches_and_changes_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch, fails: Callable[[], None]
) -> None:
    from engine.train.objectives import supervised
    from engine.train.objectives.loss import summed_loss

    plain = start("plain", max_steps=3)

    def tight(model: Any, labelled: Any, micro: Any) -> torch.Tensor:
        if torch.is_grad_enabled() and micro.ids.numel() > 64:
            fails()
        return summed_loss(model, labelled, micro)

    monkeypatch.setattr(supervised, "summed_loss", tight)
    run = start("tight", max_steps=3)
    assert isinstance(run.end, ev.Finished), run.end
    assert "oom" in {finding.category for finding in run.end.findings}
    assert run.losses == pytest.approx(plain.losses, rel=1e-4)
    assert run.of(ev.Step)[-1].micro_batches > plain.of(ev.Step)[-1].micro_batches
