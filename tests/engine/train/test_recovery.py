"""After a step that spoils it a run goes back and on in another way, as its recipe allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import events as ev
from engine import faults
from engine.job import Job
from engine.run_state import RunState, apply
from engine.train.guard.course import Course, Passed, Turn
from engine.train.guard.movement import Movement
from engine.train.optimizers.guarded import GuardedOptimizer
from engine.watch.point import Sign
from tests.engine.train.conftest import Run, Start

Spoil = Callable[[Callable[[int, list[str]], float]], None]


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Spoil:
    """Multiply the loss of each micro-batch with what a function of step and rows says."""

    def arm(factor: Callable[[int, list[str]], float]) -> None:
        def changed(loss: torch.Tensor, step: int, rows: Iterable[str]) -> torch.Tensor:
            return loss * factor(step, list(rows))

        monkeypatch.setattr(faults, "micro_batch", changed)

    return arm


def folded(run: Run) -> RunState:
    state = RunState()
    for event in run.events:
        apply(state, event)  # type: ignore[arg-type]
    return state


def same(a: Run, b: Run) -> bool:
    ours, theirs = a.weights(), b.weights()
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


def once(steps: dict[int, float]) -> Callable[[int, list[str]], float]:
    """A factor at some steps, the first time that they are taken."""
    left = dict(steps)
    return lambda step, rows: left.pop(step, 1.0)


def test_a_batch_that_is_not_finite_is_passed_over(start: Start, spoil: Spoil) -> None:
    spoil(once({5: math.nan}))
    run = start(max_steps=8, save_steps=2, on_divergence="skip")
    assert isinstance(run.end, ev.Finished), run.end
    [back] = run.of(ev.RolledBack)
    assert (back.step, back.broken, back.action) == (4, 5, "without its batch")
    assert [(event.step, event.loss is None) for event in run.of(ev.Step)][3:6] == [
        (4, False), (5, True), (6, False)
    ]  # fmt: skip
    assert run.end.steps == 8
    finding = next(f for f in run.end.findings if f.category == "nan_or_inf")
    assert finding.severity == "warning"
    assert any("rows.jsonl:" in place for place in finding.places)
    state = folded(run)
    assert [mark.step for mark in state.marks if mark.kind == "back"] == [5]
    assert 5 not in [x for x, *_ in state.loss.points()]


def test_the_rate_is_halved_and_stays_so_over_a_resume(start: Start, job: Any, spoil: Spoil) -> None:
    changes: dict[str, Any] = {"max_steps": 9, "save_steps": 3, "on_divergence": "lower_rate"}
    spoil(once({5: math.nan}))
    whole = start("whole", **changes, lr_scheduler_type="constant", warmup_ratio=0.0)
    assert isinstance(whole.end, ev.Finished), whole.end
    assert whole.of(ev.Step)[-1].lr == pytest.approx(1e-2)

    spoil(once({5: math.nan}))
    cut = job("cut", **changes, lr_scheduler_type="constant", warmup_ratio=0.0)
    first = Run(cut, (6, "interrupt"))
    assert isinstance(first.end, ev.Failed)
    second = Run(cut)
    assert second.of(ev.Step)[-1].lr == pytest.approx(1e-2)
    assert same(second, whole)


def test_a_worker_that_died_before_the_next_checkpoint_comes_to_the_same(
    start: Start, job: Any, spoil: Spoil
) -> None:
    changes: dict[str, Any] = {"max_steps": 9, "save_steps": 4, "on_divergence": "skip"}
    spoil(once({6: math.nan}))
    whole = start("whole", **changes)

    spoil(once({6: math.nan}))
    killed = job("killed", **changes)
    with pytest.raises(_Killed):
        Killed(killed, after=7)
    assert same(Run(killed), whole)


class _Killed(BaseException):
    """Ends a worker in the middle of a step."""


class Killed(Run):
    def __init__(self, job: Job, after: int) -> None:
        self._after = after
        super().__init__(job)

    def _report(self, event: ev.Event, /) -> None:
        super()._report(event)
        if isinstance(event, ev.Step) and event.step == self._after:
            raise _Killed


def test_a_fault_that_comes_back_ends_the_run(start: Start, spoil: Spoil) -> None:
    spoil(lambda step, rows: math.nan if step >= 5 else 1.0)
    run = start(max_steps=9, save_steps=2, on_divergence="lower_rate")
    assert isinstance(run.end, ev.Failed)
    assert len(run.of(ev.RolledBack)) == 3
    assert run.end.resumable
    assert not run.job.adapter.exists()


def test_there_is_something_to_return_to_before_the_first_save(start: Start, spoil: Spoil) -> None:
    spoil(once({2: math.nan}))
    run = start(max_steps=4, save_steps=0, on_divergence="skip")
    assert isinstance(run.end, ev.Finished), run.end
    assert run.of(ev.RolledBack)[0].step == 0
    assert folded(run).eval_loss.points()[0][0] == 0


def test_a_loss_that_rises_for_good_stops_the_run_at_a_checkpoint_from_before(
    start: Start, spoil: Spoil
) -> None:
    spoil(lambda step, rows: 1.0 + max(step - 24, 0) * 0.5)
    run = start(max_steps=60, save_steps=10, learning_rate=2e-3)
    assert isinstance(run.end, ev.Failed)
    finding = run.end.findings[-1]
    assert finding.category == "loss_spike_divergence"
    assert finding.patch is not None
    assert finding.patch.recipe["learning_rate"] < 2e-3
    assert not run.job.adapter.exists()


def test_batches_since_the_rise_are_passed_over(start: Start, spoil: Spoil) -> None:
    risen: set[int] = set()

    def rises(step: int, rows: list[str]) -> float:
        if len(risen) > 14 and step not in risen:
            return 1.0
        if step > 24 and len(risen) <= 14:
            risen.add(step)
        return 1.0 + max(step - 24, 0) * 0.5

    spoil(rises)
    run = start(max_steps=60, save_steps=10, learning_rate=2e-3, on_divergence="skip", save_total_limit=6)
    back = run.of(ev.RolledBack)[0]
    assert back.broken > 24
    assert back.step <= 30
    assert "last" in back.action


def test_another_rate_counts_from_the_next_step_and_over_a_resume(start: Start, job: Any) -> None:
    changes: dict[str, Any] = {
        "max_steps": 9, "save_steps": 3, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
    }  # fmt: skip
    whole = start("whole", (4, "rate", "0.005"), **changes)
    [steered] = whole.of(ev.Steered)
    rates = {event.step: event.lr for event in whole.of(ev.Step)}
    assert rates[steered.step] == pytest.approx(2e-2)
    assert rates[steered.step + 1] == rates[9] == pytest.approx(5e-3)
    assert [mark.kind for mark in folded(whole).marks if mark.kind == "rate"] == ["rate"]

    killed = job("killed", **changes)
    with pytest.raises(_Killed):
        KilledAfterTurn(killed, after=steered.step + 1, turn=4)
    assert same(Run(killed), whole), "the checkpoint is older than the order, and the order still counts"


class KilledAfterTurn(Killed):
    def __init__(self, job: Job, after: int, turn: int) -> None:
        self._after = after
        Run.__init__(self, job, (turn, "rate", "0.005"))


def test_a_rate_that_a_person_gives_at_a_resume_stands_above_turns(tmp_path: Path, job: Any) -> None:
    recipe = job(learning_rate=1e-3).recipe
    course = Course.read(tmp_path, recipe)
    course.turn(10, 5e-4)
    course.passed.append(Passed(0, 8, 16))
    course.write(tmp_path)
    again = Course.read(tmp_path, recipe)
    assert (again.peak(10), again.peak(11)) == (1e-3, 5e-4)
    other = Course.read(tmp_path, job(learning_rate=2e-3).recipe)
    assert other.peak(11) == 2e-3
    assert other.passed == course.passed


def test_what_was_asked_for_in_steps_that_are_done_again_counts_from_there(tmp_path: Path, job: Any) -> None:
    course = Course.read(tmp_path, job().recipe)
    course.turn(10, 5e-4)
    course.turn(30, 1e-4)
    course.back_to(20)
    assert course.turns == [Turn(10, 5e-4), Turn(20, 1e-4)]


def test_padding_that_leaks_is_found_before_the_first_step(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.train.guard import padding

    plain = start("plain", max_steps=2)
    assert "padding_token" not in {f.category for f in plain.end.findings}
    honest = padding._loss
    monkeypatch.setattr(padding, "_loss", lambda s, rows: honest(s, rows) * (1.05 if len(rows) > 1 else 1.0))
    run = start("leaks", max_steps=2)
    finding = next(f for f in run.end.findings if f.category == "padding_token")
    assert finding.patch is not None
    assert finding.patch.recipe == {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8}
    assert same(run, plain), "looking leaves no trace"


@pytest.mark.parametrize("sharded", [False, True])
def test_too_little_memory_for_the_proof_ends_no_run_but_one_whose_ranks_wait(
    start: Start, monkeypatch: pytest.MonkeyPatch, *, sharded: bool
) -> None:
    from engine.train.guard import padding

    def lacks(session: Any, rows: list[int]) -> float:
        session.machine.sharded = sharded
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(padding, "_loss", lacks)
    run = start(max_steps=2)
    assert isinstance(run.end, ev.Failed if sharded else ev.Finished)
    if sharded:
        assert run.end.findings[-1].category == "oom"


def test_tensors_that_do_not_move_are_named() -> None:
    moves, still = torch.nn.Parameter(torch.zeros(4)), torch.nn.Parameter(torch.ones(4))
    movement = Movement([("moves", moves), ("still", still)])
    said: list[Sign] = []
    for step in range(1, 13):
        with torch.no_grad():
            moves += torch.tensor([1.0, -1.0, 1.0, -1.0]) * 1e-6
        said += movement.signs(step)
    [sign] = said
    assert (sign.severity, sign.step) == ("warning", 11)
    assert sign.evidence[1:] == ["still"]


def test_a_run_in_which_nothing_moves_ends() -> None:
    movement = Movement([("still", torch.nn.Parameter(torch.ones(4)))])
    said = [sign for step in range(1, 6) for sign in movement.signs(step)]
    assert [(sign.severity, sign.step) for sign in said] == [("blocker", 4)]


def test_what_a_checkpoint_holds_is_no_movement(
    start: Start, job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("run", (3, "interrupt"), max_steps=20, save_steps=1)
    monkeypatch.setattr(GuardedOptimizer, "_change", lambda self, rate, passed_over: None)
    rest = Run(job("run", max_steps=20, save_steps=1))
    assert isinstance(rest.end, ev.Failed)
    assert "Nothing that trains has moved." in {f.title for f in rest.end.findings}


def test_a_run_that_learns_nothing_is_no_success(start: Start) -> None:
    run = start(
        max_steps=110, learning_rate=1e-8, per_device_train_batch_size=1, gradient_accumulation_steps=1
    )
    assert isinstance(run.end, ev.Failed)
    assert "learnt nothing" in run.end.what
    assert run.end.adapter is not None
    assert run.end.findings[-1].category == "loss_not_decreasing"


def test_a_healthy_run_is_left_alone(start: Start) -> None:
    run = start(max_steps=40)
    assert isinstance(run.end, ev.Finished)
    random_model = {"truncation", "garbage_after_training"}
    assert {f.category for f in run.end.findings if f.severity != "note"} <= random_model
