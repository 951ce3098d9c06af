"""Draws curves into a grid of cells: pure functions, so that they can be tested without a screen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

Point = tuple[int, float, float, float]
"""x, lowest, highest and last value of a bucket, as `Series.points` gives them."""

# Bit of a dot in a braille cell, by column and row.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ASCII = " .:|"


@dataclass
class Scale:
    """A range of values and its ticks."""

    low: float
    high: float
    step: float
    ticks: list[float] = field(default_factory=list)

    def part(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def nice_step(span: float, most: int) -> float:
    """The step of 1, 2 or 5 times a power of ten that makes at most `most` ticks over `span`."""
    raw = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.9999)


def value_scale(values: Iterable[float], most: int) -> Scale:
    """A scale that holds all values with a little air, its ends not rounded so that no row is wasted."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low < 1e-9 * max(abs(high), 1e-3):
        margin = abs(high) * 0.1 or 0.5
        low, high = low - margin, high + margin
    air = (high - low) * 0.04
    step = nice_step(high - low, most)
    # The low end stays put until the curve falls below it, which saves repainting all rows.
    bottom = math.floor((low - air) / (step / 5)) * (step / 5)
    top = math.ceil((high + air) / (step / 5)) * (step / 5)
    if low >= 0:
        bottom = max(bottom, 0.0)
    first = math.ceil(bottom / step - 1e-9)
    last = math.floor(top / step + 1e-9)
    return Scale(bottom, top, step, [index * step for index in range(first, last + 1)])


def step_end(step: int, steps: int) -> int:
    """The right end of the x axis: a round number a little ahead, so that the picture seldom rescales."""
    if step <= 0:
        return max(min(steps, 100), 1) if steps else 100
    power = 10.0 ** math.floor(math.log10(step))
    rounds = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    end = next(math.ceil(power * factor) for factor in rounds if power * factor >= step)
    end = max(end, 10)
    return max(min(end, steps), step) if steps else end


def smoothed(points: list[Point]) -> list[tuple[int, float]]:
    """The last values under a mean over a small part of the curve, to both sides so that it does not lag."""
    span = len(points) / 60
    if span <= 0.5:
        return [(x, last) for x, _, _, last in points]
    values = [last for _, _, _, last in points]
    ahead = _mean(values, span)
    behind = _mean(values[::-1], span)[::-1]
    return [(p[0], (a + b) / 2) for p, a, b in zip(points, ahead, behind, strict=True)]


def _mean(values: list[float], span: float) -> list[float]:
    """The unbiased exponential mean of what came before each value."""
    keep = span / (span + 1)
    mean = weight = 0.0
    means = []
    for value in values:
        mean = keep * mean + (1 - keep) * value
        weight = keep * weight + (1 - keep)
        means.append(mean / weight)
    return means


class Canvas:
    """A grid of cells of 2 by 4 dots in two layers: a line in front, a band behind."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.line = [[0] * width for _ in range(height)]
        self.band = [[0] * width for _ in range(height)]

    def column(self, part: float) -> int:
        """The dot column for a place from 0 to 1."""
        return min(max(int(part * (self.width * 2 - 1) + 0.5), 0), self.width * 2 - 1)

    def row(self, part: float) -> int:
        """The dot row for a height from 0 to 1, 0 at the top."""
        return min(max(int((1 - part) * (self.height * 4 - 1) + 0.5), 0), self.height * 4 - 1)

    def rise(self, layer: list[list[int]], x: int, top: int, bottom: int) -> None:
        """Set the dots of one column from `top` to `bottom`."""
        for y in range(top, bottom + 1):
            layer[y // 4][x // 2] |= _DOTS[x % 2][y % 4]

    def trace(self, layer: list[list[int]], dots: list[tuple[int, int]]) -> None:
        """Join dots with lines."""
        for (x0, y0), (x1, y1) in pairwise(dots):
            length = max(abs(x1 - x0), abs(y1 - y0), 1)
            for i in range(length):
                x, y = x0 + (x1 - x0) * i // length, y0 + round((y1 - y0) * i / length)
                layer[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
        if dots:
            x, y = dots[-1]
            layer[y // 4][x // 2] |= _DOTS[x % 2][y % 4]

    def cell(self, x: int, y: int, braille: bool) -> tuple[str, str]:
        """The character of a cell and which layer it shows."""
        line, band = self.line[y][x], self.band[y][x]
        if line:
            return (chr(0x2800 + line) if braille else _front(line)), "line"
        if band:
            return (chr(0x2800 + band) if braille else ":"), "band"
        return " ", ""


def _front(bits: int) -> str:
    top = bits & (0x01 | 0x08 | 0x02 | 0x10)
    bottom = bits & (0x04 | 0x20 | 0x40 | 0x80)
    return "#" if top and bottom else "'" if top else "."


def draw(canvas: Canvas, points: list[Point], x_from: int, x_to: int, scale: Scale) -> None:
    """Draw a curve: the range of each dot column as a band, the smoothed values as a line."""
    span = max(x_to - x_from, 1)
    ranges: dict[int, tuple[float, float]] = {}
    sums: dict[int, tuple[float, int]] = {}
    for (x, low, high, _), (_, mean) in zip(points, smoothed(points), strict=True):
        if not x_from <= x <= x_to:
            continue
        column = canvas.column((x - x_from) / span)
        known = ranges.get(column, (low, high))
        ranges[column] = (min(known[0], low), max(known[1], high))
        total, count = sums.get(column, (0.0, 0))
        sums[column] = (total + mean, count + 1)
    for column, (low, high) in ranges.items():
        canvas.rise(canvas.band, column, canvas.row(scale.part(high)), canvas.row(scale.part(low)))
    raw = [(canvas.column((x - x_from) / span), last) for x, _, _, last in points if x_from <= x <= x_to]
    canvas.trace(canvas.band, [(column, canvas.row(scale.part(last))) for column, last in raw])
    canvas.trace(
        canvas.line, [(c, canvas.row(scale.part(total / n))) for c, (total, n) in sorted(sums.items())]
    )


def levels(points: list[Point], width: int, glyphs: str) -> str:
    """A one-row chart of the last values, one character a column."""
    if not points or width <= 0:
        return ""
    first, last = points[0][0], points[-1][0]
    span = max(last - first, 1)
    sums: dict[int, tuple[float, int]] = {}
    for x, _, _, value in points:
        column = (x - first) * (width - 1) // span
        total, count = sums.get(column, (0.0, 0))
        sums[column] = (total + value, count + 1)
    means = {column: total / count for column, (total, count) in sums.items()}
    low, high = min(means.values()), max(means.values())
    # Noise of a few percent should look like a few percent, at half height.
    spare = (abs(high) * 0.5 - (high - low)) / 2
    if spare > 0:
        low, high = low - spare, high + spare
    top = len(glyphs) - 1
    text, before = [], means.get(0, low)
    for column in range(width if last > first else 1):
        before = means.get(column, before)
        part = (before - low) / (high - low) if high > low else 0.5
        text.append(glyphs[round(part * top)])
    return "".join(text)
