"""The drawing functions, without a screen."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from openlora_tui import figures
from openlora_tui.widgets.plot import Canvas, draw, levels, nice_step, smoothed, step_end, value_scale

values = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(values, min_size=1, max_size=50), st.integers(2, 12))
def test_a_scale_holds_every_value_and_few_ticks(numbers: list[float], most: int) -> None:
    scale = value_scale(numbers, most)
    assert all(-1e-6 <= scale.part(number) <= 1 + 1e-6 for number in numbers)
    assert len(scale.ticks) <= most + 3


@given(st.integers(0, 10_000_000), st.integers(0, 10_000_000))
def test_the_x_axis_never_ends_before_the_curve(step: int, steps: int) -> None:
    assert step_end(step, steps) >= step


@given(st.lists(values, min_size=1, max_size=300), st.integers(4, 60), st.integers(2, 20))
def test_any_curve_can_be_drawn_at_any_size(numbers: list[float], width: int, height: int) -> None:
    points = [(i, n, n, n) for i, n in enumerate(numbers)]
    canvas = Canvas(width, height)
    draw(canvas, points, 0, len(points), value_scale(numbers, 5))
    drawn = [canvas.cell(x, y, True)[0] for y in range(height) for x in range(width)]
    assert any(char != " " for char in drawn)


def test_smoothing_does_not_lag_and_keeps_a_straight_line_straight() -> None:
    points = [(x, float(x), float(x), float(x)) for x in range(600)]
    middle = smoothed(points)[100:500]
    assert all(math.isclose(x, mean, abs_tol=1.0) for x, mean in middle)


@given(st.lists(values, min_size=1, max_size=100), st.integers(1, 40))
def test_a_mini_chart_fits_its_width(numbers: list[float], width: int) -> None:
    points = [(i, n, n, n) for i, n in enumerate(numbers)]
    text = levels(points, width, "▁▂▃▄▅▆▇█")
    assert 1 <= len(text) <= width


def test_steps_of_axes_are_round() -> None:
    assert nice_step(1200, 6) == 200
    assert nice_step(0.9, 4) == 0.5


def test_numbers_read_as_people_write_them() -> None:
    assert figures.loss(1.2837) == "1.284"
    assert figures.rate(1.8e-4) == "1.8e-4"
    assert figures.duration(860) == "14 m 20 s"
    assert figures.duration(7500) == "2 h 05 m"
    assert figures.share(int(18.2 * 2**30), 24 * 2**30) == "18.2 / 24.0 GiB"
    assert figures.short(18_464_768) == "18.5 M"
