"""A curve of any length costs the same, loses no spike, and can be cut at a checkpoint."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.series import BUCKETS, Series

VALUE = st.floats(-1e6, 1e6)
STEPS = st.lists(st.tuples(st.integers(1, 3000), VALUE), min_size=1, max_size=60)


def _run(gaps: list[tuple[int, float]], start: int = 0) -> list[tuple[int, float]]:
    """Points at growing steps, from gaps between them."""
    points, x = [], start
    for gap, value in gaps:
        x += gap
        points.append((x, value))
    return points


def _series(points: list[tuple[int, float]]) -> Series:
    series = Series()
    for x, value in points:
        series.add(x, value)
    return series


def _honest(series: Series, points: list[tuple[int, float]]) -> None:
    """Each bucket tells exactly of the points in it."""
    assert len(series.low) == len(series.high) == len(series.last) == len(series.last_x) <= BUCKETS
    told = {series.last_x[i] // series.width: i for i in range(len(series.last_x)) if series.last_x[i] >= 0}
    buckets: dict[int, list[tuple[int, float]]] = {}
    for x, value in points:
        buckets.setdefault(x // series.width, []).append((x, value))
    assert told.keys() == buckets.keys()
    for index, inside in buckets.items():
        values = [value for _, value in inside]
        assert (series.low[index], series.high[index]) == (min(values), max(values))
        assert (series.last_x[index], series.last[index]) == inside[-1]


@given(STEPS)
def test_every_bucket_holds_the_least_the_greatest_and_the_last_of_its_points(
    gaps: list[tuple[int, float]],
) -> None:
    points = _run(gaps)
    series = _series(points)
    _honest(series, points)
    assert (series.latest_x, series.latest) == points[-1]
    assert [x for x, *_ in series.points()] == sorted({x for x, *_ in series.points()})


@given(STEPS, STEPS, st.lists(st.integers(0, 59), max_size=6), STEPS)
def test_a_cut_at_a_checkpoint_leaves_the_curve_as_it_was_then(
    before: list[tuple[int, float]],
    after: list[tuple[int, float]],
    saves: list[int],
    again: list[tuple[int, float]],
) -> None:
    kept = _run(before)
    lost = _run(after, kept[-1][0])
    series = _series(kept)
    series.hold(kept[-1][0])
    for number, (x, value) in enumerate(lost):
        series.add(x, value)
        if number in saves:
            series.hold(x)
    series.cut(kept[-1][0])
    _honest(series, kept)
    resumed = _run(again, kept[-1][0])
    for x, value in resumed:
        series.add(x, value)
    _honest(series, kept + resumed)


@given(STEPS, st.integers(0, 60), STEPS)
def test_a_checkpoint_between_two_points_cuts_exactly_too(
    before: list[tuple[int, float]], later: int, after: list[tuple[int, float]]
) -> None:
    kept = _run(before)
    save = kept[-1][0] + later
    series = _series(kept)
    series.hold(save)
    for x, value in _run(after, save):
        series.add(x, value)
    series.cut(save)
    _honest(series, kept)


def test_a_resume_before_the_next_point_keeps_the_checkpoint_exact() -> None:
    series = _series([(0, 5.0), (50, 3.0)])
    series.hold(75)
    series.add(100, 1.0)
    series.cut(75)
    series.hold(80)
    for x in range(81, 200_000, 1000):
        series.add(x, -9.0)
    series.cut(80)
    _honest(series, [(0, 5.0), (50, 3.0)])


@given(STEPS, st.integers(0, 200_000))
def test_no_dropped_value_survives_a_cut_anywhere(gaps: list[tuple[int, float]], at: int) -> None:
    points = _run(gaps)
    series = _series(points)
    series.cut(at)
    assert series.latest_x <= at
    kept = dict(points)
    for x, low, high, last in series.points():
        inside = [v for p, v in points if p // series.width == x // series.width]
        assert kept[x] == last
        assert (low, high) == (min(inside), max(inside))
        assert all(p <= at for p, _ in points if p // series.width == x // series.width)
    whole = [(x, v) for x, v in points if (x // series.width + 1) * series.width <= at + 1]
    assert {x // series.width for x, _ in whole} <= {x // series.width for x, *_ in series.points()}


def test_a_spike_at_any_place_survives_all_doublings() -> None:
    series = Series()
    for x in range(200_000):
        series.add(x, 100.0 if x == 77_777 else -50.0 if x == 150_001 else 1.0)
    assert max(high for _, _, high, _ in series.points()) == 100.0
    assert min(low for _, low, _, _ in series.points()) == -50.0
    assert BUCKETS // 2 <= len(series.low) <= BUCKETS


@pytest.mark.parametrize("x", [10**6, 10**9, 1 << 53])
def test_a_far_step_costs_no_more_room(x: int) -> None:
    series = _series([(0, 1.0), (x, 2.0)])
    assert len(series.low) <= BUCKETS
    _honest(series, [(0, 1.0), (x, 2.0)])
    assert len(msgspec.msgpack.encode(series)) < 60_000


def test_many_checkpoints_are_remembered_in_bounded_room() -> None:
    series = Series()
    for x in range(1000):
        series.add(x, 1.0)
        series.hold(x)
    assert len(series.held) <= 8
    assert series.held[-1].x == 999


def test_an_empty_curve_answers() -> None:
    series = Series()
    series.hold(3)
    series.cut(3)
    assert series.empty
    assert series.latest is None
    assert series.latest_x == -1
    assert series.points() == []


@given(STEPS, STEPS)
def test_a_stored_curve_goes_on_as_the_one_in_memory(
    first: list[tuple[int, float]], second: list[tuple[int, float]]
) -> None:
    series = _series(_run(first))
    series.hold(series.latest_x)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(series), type=Series)
    other = copy.deepcopy(series)
    for x, value in _run(second, series.latest_x):
        stored.add(x, value)
        other.add(x, value)
    assert stored == other
