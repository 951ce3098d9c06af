"""Figures of a run in words, and how its curve stands at a step."""

from __future__ import annotations

import math
from statistics import median
from typing import Final, NamedTuple

from engine.run_state import RunState
from engine.series import Series
from engine.watch.recent import noise

_AROUND: Final = 20
"""Points on either side of a step that it is compared with."""
_SPOILT: Final = 1.5
_ENDS: Final = 10
_LEAP: Final = 4.0
"""Standard deviations of its neighbours from which a point is said to leap."""
_SHARE: Final = 0.05
"""And at least this share of them: noise of a nearly flat curve means nothing."""


class Around(NamedTuple):
    """A step and its neighbours in one series."""

    step: int
    """That of the point, which in a long run stands for several steps."""
    value: float
    before: float
    """Median of the points before."""
    after: float | None
    """Median of the points after; None where there are none."""
    leaps: bool
    """True where it lies above those before by more than their noise."""
    width: int
    """Steps that a point stands for."""


Points = list[tuple[int, float, float, float]]


def around(series: Series, step: int) -> Around | None:
    """How `step` stands among its neighbours; None where there is no such point, or none before it."""
    points = series.points()
    at = next((i for i, (x, *_) in enumerate(points) if x // series.width >= step // series.width), None)
    if not at or points[at][0] // series.width != step // series.width:
        return None
    found = _among(points, at, series.width)
    # The bucket of a long run is named by the step that was asked for, unless its last value is the highest.
    return found if found.value == points[at][3] else found._replace(step=step)


def leap_near(series: Series, step: int) -> Around | None:
    """The highest leap within a few steps of `step`, or a twentieth of the curve: people point roughly."""
    reach = max(10 * series.width, series.latest_x // 20)
    return max((one for one in leaps(series) if abs(one.step - step) <= reach), key=_height, default=None)


def leaps(series: Series) -> list[Around]:
    """All points that lie above those before them by more than their noise, in order."""
    points = series.points()
    each = (_among(points, at, series.width) for at in range(1, len(points)))
    return [found for found in each if found.leaps]


def highest(found: list[Around], most: int) -> list[Around]:
    """The highest of some leaps, in order of their steps."""
    return sorted(sorted(found, key=_height)[-most:], key=lambda one: one.step)


def _height(found: Around) -> float:
    return found.value - found.before


def _among(points: Points, at: int, width: int) -> Around:
    before = [last for _, _, _, last in points[max(at - _AROUND, 0) : at]]
    after = [last for _, _, _, last in points[at + 1 : at + 1 + _AROUND // 4]]
    x, _, high, _ = points[at]
    usual = median(before)
    least = max(_LEAP * noise(before), _SHARE * abs(usual))
    return Around(x, high, usual, median(after) if after else None, high - usual > least, width)


def ends(series: Series) -> tuple[float, float] | None:
    """Means of the first and the last ten points, of fewer in a short curve; None below four points.

    Where the first steps have spoilt the model, the first point stands alone for the start.
    """
    values = [last for _, _, _, last in series.points()]
    if len(values) < 4:
        return None
    size = min(_ENDS, len(values) // 2)
    start = math.fsum(values[:size]) / size
    return values[0] if start > _SPOILT * values[0] > 0 else start, math.fsum(values[-size:]) / size


def still_falls(series: Series) -> bool | None:
    """True where the last quarter lies below the one before by more than its noise; None where too short."""
    values = [last for _, _, _, last in series.points()]
    quarter = len(values) // 4
    if quarter < 5:
        return None
    last, before = values[-quarter:], values[-2 * quarter : -quarter]
    fallen = (math.fsum(before) - math.fsum(last)) / quarter
    return fallen > 2 * noise(values[-2 * quarter :]) / math.sqrt(quarter)


def number(value: float) -> str:
    """A figure with four digits that mean something."""
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def rate(value: float) -> str:
    """A learning rate such as `2e-4`."""
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}" if value else "0"


def duration(seconds: float) -> str:
    """A time in its two largest units."""
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{whole} seconds"
    if whole < 3600:
        return f"{whole // 60} minutes"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} days"


def progress(state: RunState) -> str:
    """How far it is: `step 410 of 1,000 (41 %)`."""
    if not state.steps:
        return f"step {state.step:,}"
    return f"step {state.step:,} of {state.steps:,} ({100 * state.step / state.steps:.0f} %)"
