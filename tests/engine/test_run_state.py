"""A run's state is the fold of its events: of any prefix, in any portions, in bounded room."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.findings import Finding
from engine.run_state import ENDED, RunState, apply, fold
from engine.series import BUCKETS
from tests.engine import strategies as some

LINE = some.EVENT.map(lambda event: ev.encode(event).rstrip(b"\n")) | st.binary(max_size=20)
LINES = st.lists(LINE, max_size=25)
BOUNDS = {"marks": 256, "samples": 24, "log": 200, "findings": 64, "last_losses": 10}


def _stored(state: RunState) -> RunState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=RunState)


def _bounded(state: RunState) -> None:
    for name, bound in BOUNDS.items():
        assert len(getattr(state, name)) <= bound, name
    for series in (state.loss, state.eval_loss, state.lr, state.grad_norm, state.speed, state.memory):
        assert len(series.low) <= BUCKETS


@given(LINES)
def test_any_prefix_of_any_lines_is_a_state_that_can_be_shown_and_stored(lines: list[bytes]) -> None:
    state = RunState()
    for number, line in enumerate(lines, 1):
        fold([line], state)
        assert state.events == number
        assert state.seconds_left is None or state.seconds_left >= 0
        assert state.mean_loss is None or isinstance(state.mean_loss, float)
        assert _stored(state) == state
        _bounded(state)


@given(LINES, st.integers(0, 25))
def test_folding_in_two_parts_is_folding_at_once_even_through_the_store(lines: list[bytes], at: int) -> None:
    assert fold(lines[at:], _stored(fold(lines[:at]))) == fold(lines)


@given(some.HISTORY, st.integers(0, 25), st.binary(max_size=20))
def test_a_line_that_is_no_event_is_counted_and_changes_nothing(
    history: list[ev.Event], at: int, torn: bytes
) -> None:
    lines = some.lines(*history)
    state = fold([*lines[:at], b'{"event":"teleported","step":3}', torn, *lines[at:]])
    assert state.events == len(history) + 2
    state.events -= 2
    assert state == fold(lines)


def _resuming(history: list[ev.Event], at: int) -> RunState:
    state = fold(some.lines(*history))
    apply(state, ev.Resumed(step=at, t=1.0))
    return state


@given(some.HISTORY, some.STEP)
def test_nothing_later_than_the_checkpoint_survives_a_resume(history: list[ev.Event], at: int) -> None:
    state = _resuming(history, at)
    for series in (state.loss, state.eval_loss, state.lr, state.grad_norm, state.speed):
        assert series.latest_x <= at
    assert all(mark.step <= at or mark.kind in ("back", "rate", "said") for mark in state.marks)
    assert all(sample.step <= at for sample in state.samples)
    assert all(finding.step is None or finding.step <= at for finding in state.findings)
    assert state.checkpoint is None or state.checkpoint.step <= at
    assert state.best_eval_step <= at
    assert (state.best_eval is None) <= state.eval_loss.empty
    assert not state.ended
    assert state.outcome is None
    assert state.seconds_left is None


LOSSES = st.lists(st.floats(0.01, 20), min_size=1, max_size=40)


@given(LOSSES, LOSSES, st.sampled_from([1, 7, 1000]))
def test_a_resume_at_a_checkpoint_is_the_moment_of_the_checkpoint(
    before: list[float], after: list[float], stride: int
) -> None:
    def steps(losses: list[float], first: int) -> list[ev.Event]:
        told: list[ev.Event] = []
        for number, loss in enumerate(losses, first):
            told.append(some.step(number * stride, loss))
            if number % 3 == 0:
                told.append(ev.Evaluated(step=number * stride, loss=loss, label_tokens=1, seconds=1))
        return told

    save = len(before) * stride
    history = [*some.started(), *steps(before, 1), some.saved(save)]
    at_save = fold(some.lines(*history))
    state = _resuming([*history, *steps(after, len(before) + 1), some.saved(save + 50_000)], save)
    for name in ("loss", "lr", "grad_norm", "eval_loss"):
        mine, then = getattr(state, name), copy.deepcopy(getattr(at_save, name))
        while then.width < mine.width:
            then._double()
        assert mine.points() == then.points(), name
    assert state.step == save
    if stride == 1:
        assert state.last_losses == at_save.last_losses
        assert (state.best_eval, state.best_eval_step) == (at_save.best_eval, at_save.best_eval_step)


def test_the_best_evaluation_is_sought_again_when_it_is_dropped() -> None:
    history = [*some.started()]
    for number, loss in ((10, 3.0), (20, 2.0), (30, 1.0)):
        history.append(ev.Evaluated(step=number, loss=loss, label_tokens=1, seconds=1, t=1000.0 + number))
    assert fold(some.lines(*history)).best_eval == 1.0
    state = _resuming(history, 25)
    assert (state.best_eval, state.best_eval_step) == (2.0, 20)
    assert _resuming(history, 5).best_eval is None


def test_a_million_steps_take_the_room_of_a_few_thousand() -> None:
    state = fold(some.lines(*some.started()))
    sizes = {}
    for number in range(0, 1_000_000, 5):  # every fifth: the width of the buckets is that of a million
        apply(state, some.step(number, loss=2.0 + number % 7))
        if number % 500 == 0:
            apply(state, ev.Evaluated(step=number, loss=2.0, label_tokens=1, seconds=1, t=1000.0 + number))
            apply(state, some.saved(number))
            apply(state, ev.Sampled(step=number, prompt="p", text="t" * 100, t=1000.0 + number))
            apply(state, ev.Heartbeat(cpu=1.0, rss=1 << 30, t=1000.0 + number))
            apply(state, ev.Log(text=f"line {number}", t=1000.0 + number))
        if number in (20_000, 999_995):
            sizes[number] = len(msgspec.msgpack.encode(state))
    _bounded(state)
    assert state.loss.width == 512
    assert sizes[999_995] < 450_000
    assert sizes[999_995] < 2 * sizes[20_000]


LIFE: list[tuple[ev.Event, str]] = [
    (ev.Created(run="1", name="n", model="m", data=["d"], t=1.0), "queued"),
    (ev.Queued(reason="waits for cuda:0", t=2.0), "queued"),
    (ev.Started(pid=7, host="h", device="cpu", t=3.0), "starting"),
    (ev.Phase(name="loading model", t=4.0), "running"),
    (ev.Phase(name="training", t=5.0), "running"),
    (some.step(1, t=6.0), "running"),
    (ev.Paused(step=1, t=7.0), "paused"),
    (ev.Heartbeat(cpu=0.0, rss=1, t=8.0), "paused"),
    (ev.Continued(step=1, seconds=2.0, t=9.0), "running"),
    (ev.Stopping(step=2, by="me", t=10.0), "stopping"),
    (ev.Phase(name="saving", t=11.0), "stopping"),
    (ev.Finished(run="1", outcome="stopped", steps=2, loss=1.0, adapter="/a", t=12.0), "stopped"),
    (ev.Queued(reason="waits for a worker", t=13.0), "queued"),
    (ev.Started(pid=8, host="h", device="cpu", t=14.0), "starting"),
    (ev.Phase(name="loading model", t=15.0), "running"),
    (ev.Resumed(step=1, t=16.0), "running"),
    (ev.Failed(run="1", steps=2, what="It broke.", t=17.0), "failed"),
    (ev.Resumed(step=0, t=18.0), "queued"),
    (ev.Started(pid=9, host="h", device="cpu", t=19.0), "starting"),
    (ev.Failed(run="1", steps=2, what="SIGTERM", interrupted=True, resumable=True, t=20.0), "interrupted"),
    (ev.Started(pid=9, host="h", device="cpu", t=21.0), "starting"),
    (ev.Finished(run="1", outcome="succeeded", steps=2, loss=1.0, adapter="/a", t=22.0), "succeeded"),
]


def test_a_run_goes_through_its_life_and_is_ended_exactly_while_it_has_an_outcome() -> None:
    state = RunState()
    for event, status in LIFE:
        apply(state, event)
        assert state.status == status, event
        assert state.ended == (status in ENDED) == (state.outcome is not None), event


def test_the_time_left_follows_this_sessions_rate() -> None:
    state = fold(some.lines(*some.started()))
    assert state.seconds_left is None
    for number in range(1, 12):
        apply(state, some.step(number, t=1000.0 + 2 * number))
    assert state.seconds_left == pytest.approx(2 * 89)
    apply(state, ev.Started(pid=5, host="h", device="cpu", t=90_000.0))
    assert state.seconds_left is None
    apply(state, ev.Resumed(step=10, t=90_010.0))
    assert state.seconds_left is None
    for number in range(11, 22):
        apply(state, some.step(number, t=90_020.0 + 3 * number))
    assert state.seconds_left == pytest.approx(3 * 79)


def test_a_pause_is_no_part_of_the_rate_neither_while_it_lasts_nor_after() -> None:
    state = fold(some.lines(*some.started()))
    for number in range(1, 12):
        apply(state, some.step(number, t=1000.0 + number))
    apply(state, ev.Paused(step=11, t=1011.0))
    apply(state, ev.Heartbeat(cpu=0, rss=1, t=5000.0))
    assert state.seconds_left == pytest.approx(89)
    apply(state, ev.Continued(step=11, seconds=3989.0, t=5000.0))
    assert state.seconds_left == pytest.approx(89)


def test_no_time_is_left_once_it_has_ended() -> None:
    state = fold(some.lines(*some.started(), *(some.step(number) for number in range(1, 9))))
    assert state.seconds_left is not None
    apply(state, ev.Failed(run="1", steps=8, what="It broke."))
    assert state.seconds_left is None


def test_the_loss_of_a_run_is_the_mean_of_its_last_ten_steps() -> None:
    state = RunState()
    for number in range(1, 31):
        apply(state, some.step(number, loss=float(number)))
    assert state.mean_loss == pytest.approx(25.5)


def test_a_finding_told_twice_is_kept_once_as_it_was_told_last() -> None:
    state = RunState()
    for number in (1, 2):
        apply(state, ev.Found(finding=Finding(category="oom", severity="note", title="Full", step=number)))
    assert [finding.step for finding in state.findings] == [2]


def test_a_step_without_a_loss_moves_the_run_and_leaves_the_curve() -> None:
    state = fold(some.lines(*some.started(), some.step(1), some.step(2, loss=float("nan"))))
    assert state.step == 2
    assert state.loss.latest_x == 1
    assert state.lr.latest_x == 2


def test_a_run_that_begins_again_shows_nothing_of_its_first_beginning() -> None:
    begun = [
        ev.Evaluated(step=0, loss=5.0, label_tokens=9, seconds=0.1, best=True),
        ev.Sampled(step=0, prompt="Once", text="upon"),
        ev.Step(step=1, loss=4.0, lr=0.1, grad_norm=1.0, tokens=9, label_tokens=9, seconds=0.1, epoch=0.1),
    ]
    again = fold(some.lines(*begun, ev.Resumed(step=0), *begun))
    assert len(again.samples) == 1
    assert [mark.kind for mark in again.marks] == ["resumed", "evaluated"]
    assert (again.best_eval, again.best_eval_step, again.step) == (5.0, 0, 1)
    assert again.loss.points() == [(1, 4.0, 4.0, 4.0)]


@pytest.mark.parametrize("leap", [-86_400.0, -30.0, 3_600.0, 10 * 365 * 86_400.0])
def test_a_clock_that_is_set_on_the_way_does_not_change_the_time_left(leap: float) -> None:
    state = fold(some.lines(*some.started()))
    for number in range(1, 40):
        apply(state, some.step(number, t=1000.0 + number + (leap if number >= 20 else 0.0)))
    assert state.seconds_left == pytest.approx(61, abs=5)
    apply(state, ev.Paused(step=39, t=1039.0 + leap))
    apply(state, ev.Continued(step=39, seconds=500.0, t=1539.0))
    for number in range(40, 60):
        apply(state, some.step(number, t=1500.0 + number))
    assert state.seconds_left == pytest.approx(41, abs=5)


def test_a_worker_that_was_stopped_for_an_hour_is_no_slower_for_it() -> None:
    state = fold(some.lines(*some.started()))
    for number in range(1, 40):
        apply(state, some.step(number, t=1000.0 + number + (3600.0 if number >= 20 else 0.0)))
    assert state.seconds_left == pytest.approx(61, abs=5)


def test_memory_is_kept_by_phase_beside_what_was_predicted_and_begins_anew_with_a_worker() -> None:
    state = fold(
        some.lines(
            *some.started(),
            ev.Predicted(bytes=900, parts={"weights": 900}),
            ev.Measured(phase="training", bytes=500),
            ev.Measured(phase="evaluating", bytes=300),
            ev.Measured(phase="training", bytes=700, reserved=800),
        )
    )
    assert state.predicted is not None
    assert state.predicted.parts == {"weights": 900}
    assert [(m.phase, m.bytes) for m in state.measured] == [("evaluating", 300), ("training", 700)]
    assert state.memory_peak == 800
    apply(state, ev.Started(pid=1, host="h", device="cpu"))
    assert state.memory_peak == 0
    assert state.predicted is not None
