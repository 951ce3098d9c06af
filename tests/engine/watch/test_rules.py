"""Each rule speaks where its mechanism is at work, and keeps silent where noise looks alike."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.watch.plateau import Plateau
from engine.watch.point import Point, Sign
from engine.watch.watch import Watch, signs_of, watch_of


def learning(steps: int, noise: float = 0.1, seed: int = 0) -> list[Point]:
    """A curve that falls from 2.6 to 0.6, with log-normal noise."""
    dice = random.Random(seed)
    return [
        Point(
            step=step,
            loss=(0.6 + 2 * math.exp(-step / (steps * 0.1))) * math.exp(dice.gauss(0, noise)),
            grad_norm=math.exp(dice.gauss(0, 0.4)),
            lr=1e-4,
            tokens=1000,
            label_tokens=500,
            seconds=0.1 * math.exp(dice.gauss(0, 0.5)),
        )
        for step in range(1, steps + 1)
    ]


def changed(points: Iterable[Point], change: Callable[[Point], dict[str, object]]) -> list[Point]:
    """`points` with other values where `change` gives some."""
    return [msgspec.structs.replace(point, **change(point)) for point in points]


def said(points: Iterable[Point], vocabulary: int = 0) -> dict[str, Sign]:
    return {sign.mechanism: sign for sign in signs_of(points, vocabulary=vocabulary)}


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
def test_a_run_that_learns_is_left_alone(noise: float) -> None:
    for seed in range(20):
        assert not [s for s in signs_of(learning(300, noise, seed)) if s.severity != "note"]


def test_a_rise_for_good_is_seen_within_some_steps_and_traced_to_where_it_began() -> None:
    points = changed(learning(300), lambda p: {"loss": 1.0 + (p.step - 150) * 0.1} if p.step > 150 else {})
    sign = said(points)["diverged"]
    assert sign.severity == "blocker"
    assert 150 < sign.step <= 185
    assert 100 < sign.onset <= 152


def test_a_rise_is_seen_in_a_log_of_a_few_lines() -> None:
    losses = [15.5, 13.0, 3.8, 2.4, 1.4, 5.8, 7.1, 10.0]
    assert "diverged" in said(Point(step=1 + 55 * at, loss=loss) for at, loss in enumerate(losses))


def test_a_model_that_the_first_steps_spoilt_is_no_success_though_its_loss_falls_from_then_on() -> None:
    losses = [1.9, 5.2, *(7.3 - 0.03 * step for step in range(48))]
    sign = said(Point(step=1 + at, loss=loss, lr=0.3) for at, loss in enumerate(losses))["diverged"]
    assert (sign.severity, sign.onset) == ("blocker", 1)
    for few, severity in ((9, "blocker"), (3, "warning")):
        sign = said(Point(step=1 + at, loss=loss, lr=0.3) for at, loss in enumerate(losses[:few]))["diverged"]
        assert sign.severity == severity
    shaken = [1.9, 5.2, *(3.5 - 0.04 * step for step in range(48))]
    assert "diverged" not in said(Point(step=1 + at, loss=loss, lr=0.3) for at, loss in enumerate(shaken))


def test_a_leap_of_one_step_is_a_note_and_a_warning_where_the_gradient_leaps_too() -> None:
    leap = {"loss": 6.0}
    quiet = changed(learning(200), lambda p: leap if p.step == 120 else {})
    assert (said(quiet)["spike"].step, said(quiet)["spike"].severity) == (120, "note")
    shaken = changed(learning(200), lambda p: leap | {"grad_norm": 80.0} if p.step == 120 else {})
    assert said(shaken)["spike"].severity == "warning"
    assert "diverged" not in said(shaken)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_told_at_once(loss: float) -> None:
    points = changed(learning(50), lambda p: {"loss": loss} if p.step == 40 else {})
    assert said(points)["not_finite"].step == 40


def test_a_loss_told_as_0_beside_a_gradient_that_is_none_is_not_a_success() -> None:
    points = [Point(step=1, loss=1.08, grad_norm=math.nan), Point(step=2, loss=0.0, grad_norm=math.nan)]
    assert said(points)["not_finite"].step == 2
    assert "zero_loss" not in said(points)


def test_a_scaler_that_falls_at_first_is_healthy() -> None:
    points = changed(learning(60), lambda p: {"grad_norm": math.nan} if p.step < 17 else {})
    assert "not_finite" not in said(points)
    again = changed(learning(60), lambda p: {"grad_norm": math.inf} if p.step in range(30, 36) else {})
    assert said(again)["not_finite"].step == 34


def test_zeros_from_the_first_step_on() -> None:
    flat = [Point(step=step, loss=0.0, grad_norm=0.0, lr=0.0) for step in range(1, 6)]
    assert {"zero_loss", "no_gradient", "zero_rate"} <= said(flat).keys()


def test_a_rate_of_0_in_one_step_is_a_warm_up_or_an_end() -> None:
    points = changed(learning(50), lambda p: {"lr": 0.0} if p.step in (1, 50) else {})
    assert "zero_rate" not in said(points)


def test_a_step_without_labels() -> None:
    points = changed(learning(30), lambda p: {"label_tokens": 0} if p.step == 9 else {})
    assert said(points)["no_labels"].step == 9


def test_the_first_loss_is_held_against_guessing() -> None:
    assert "first_loss" not in said([Point(step=1, loss=math.log(320))], vocabulary=320)
    assert said([Point(step=1, loss=9.0)], vocabulary=320)["first_loss"].severity == "warning"
    assert said([Point(step=1, loss=0.01)], vocabulary=320)["first_loss"].severity == "note"
    late = [Point(step=250, loss=9.0)]
    assert not said(late, vocabulary=320), "it is the first loss only at the first step"


def test_a_flat_curve_is_told_half_way_and_a_slow_start_is_not() -> None:
    dice = random.Random(1)
    watch = watch_of(steps=600)
    told = [
        sign.step
        for step in range(1, 601)
        for sign in watch.see(Point(step=step, loss=1.3 * math.exp(dice.gauss(0, 0.1))))
    ]
    assert told == [300]
    slow = [Point(step=step, loss=7.0 * math.exp(-step / 300)) for step in range(1, 601)]
    assert "flat" not in said(slow)


def still(fall: Callable[[int], float], steps: int, *, evaluated: bool = True, **fields: float) -> list[Sign]:
    """What is said of a noisy curve by a rule that knows the plan."""
    dice, rule = random.Random(3), Plateau(steps=steps)
    told = []
    for step in range(1, steps + 1):
        held_out = fall(step) * (1 + dice.gauss(0, 0.002)) if evaluated and step % 50 == 0 else None
        loss = fall(step) * math.exp(dice.gauss(0, 0.1 if evaluated else 0.02))
        told.append(rule.see(Point(step=step, loss=loss, eval_loss=held_out, **({"lr": 1e-4} | fields))))
    return [sign for sign in told if sign is not None]


def test_a_loss_that_has_stopped_falling_far_from_the_end() -> None:
    [sign] = still(lambda step: 1.15 + 1.6 * math.exp(-step / 70), 3000)
    assert (sign.mechanism, sign.severity) == ("plateau", "warning")
    assert 400 < sign.onset < sign.step <= 2100
    [sign] = still(lambda step: 1.15 + 1.6 * math.exp(-step / 70), 3000, evaluated=False)
    assert sign.severity == "note", "the held-out loss was not asked"
    assert not still(lambda step: 1.15 + 1.6 * math.exp(-step / 70), 3000, lr=0.0)
    assert not still(lambda step: 1.15 + 1.6 * math.exp(-step / 700), 3000), "it fell, and then the end came"


@pytest.mark.parametrize("power", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("evaluated", [False, True])
def test_a_loss_that_falls_ever_slower_is_no_plateau(power: float, evaluated: bool) -> None:
    assert not still(lambda step: 1 + 1.6 * step**-power, 3000, evaluated=evaluated)


def test_a_curve_that_was_learnt_early_and_stays_low_has_learnt() -> None:
    assert "flat" not in said(learning(800))


def test_held_out_loss_that_goes_up_while_the_other_goes_down() -> None:
    losses = [(2.0, 2.1), (1.0, 1.5), (0.5, 1.4), (0.2, 1.6), (0.1, 1.8)]
    points = [Point(step=100 * at, loss=a, eval_loss=b) for at, (a, b) in enumerate(losses)]
    sign = said(points)["overfit"]
    assert (sign.step, sign.onset) == (400, 200)


def test_held_out_loss_that_goes_up_with_the_other_is_no_memorising() -> None:
    losses = [(2.0, 2.1), (1.0, 1.5), (2.5, 1.9), (3.5, 2.6), (4.0, 3.8)]
    assert "overfit" not in said(
        Point(step=100 * at, loss=a, eval_loss=b) for at, (a, b) in enumerate(losses)
    )


def test_an_evaluation_that_never_moves() -> None:
    points = [Point(step=at, loss=2.0 - at / 10, eval_loss=1.25) for at in range(5)]
    assert said(points)["frozen_eval"].step == 2


def test_steps_that_become_slow_and_those_that_are_only_long() -> None:
    slow = changed(learning(100), lambda p: {"seconds": 4.0} if p.step > 60 else {})
    assert said(slow)["slow"].step == 65
    longer = changed(learning(100), lambda p: {"seconds": 4.0, "tokens": 40_000} if p.step > 60 else {})
    assert "slow" not in said(longer)


def test_gradients_that_explode_under_clipping() -> None:
    points = changed(learning(100), lambda p: {"grad_norm": 5_000.0} if p.step > 60 else {})
    assert said(points)["exploding"].step == 63


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 150), st.integers(0, 10_000))
def test_a_watch_that_was_stored_goes_on_where_it_was(cut: int, seed: int) -> None:
    points = changed(learning(160, seed=seed), lambda p: {"loss": 9.0} if p.step > 120 else {})
    whole, first = watch_of(vocabulary=320, steps=160), watch_of(vocabulary=320, steps=160)
    told = [whole.see(point) for point in points]
    before = [first.see(point) for point in points[:cut]]
    second = msgspec.json.decode(msgspec.json.encode(first), type=Watch)
    assert told == before + [second.see(point) for point in points[cut:]]


def test_what_a_watch_remembers_does_not_grow() -> None:
    watch = watch_of(steps=5000)
    sizes = []
    for point in learning(5000):
        watch.see(point)
        if point.step in (1000, 5000):
            sizes.append(len(msgspec.json.encode(watch)))
    assert sizes[1] < 1.2 * sizes[0]
