"""Curves on logarithmic axes, as an SVG that a browser shows in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_WIDTH: Final = 300
_HEIGHT: Final = 220
_LEFT: Final = 56
_TOP: Final = 16
_FLOOR: Final = -4
_DECADES: Final = 7
"""Seconds from 0.1 ms to 1,000 s."""
_COLOURS: Final = ("#2f81f7", "#d29922", "#3fb950")
_TICKS: Final = {-4: "0.1 ms", -3: "1 ms", -2: "10 ms", -1: "0.1 s", 0: "1 s", 1: "10 s", 2: "100 s"}


class Curve:
    """Seconds against a size."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.points: list[tuple[int, float]] = []

    def add(self, size: int, seconds: float) -> None:
        """One more point."""
        self.points.append((size, seconds))

    @property
    def last(self) -> float:
        """Seconds of the last point."""
        return self.points[-1][1]


class Panel:
    """One chart: what grows, and what it costs."""

    def __init__(self, grows: str, curves: Sequence[Curve]) -> None:
        self.grows = grows
        self.curves = curves


def draw(path: Path, panels: Sequence[Panel]) -> None:
    """Write the panels beside each other."""
    width, height = (_LEFT + _WIDTH) * len(panels) + 16, _TOP + _HEIGHT + 40
    body = "".join(_panel(panel, at * (_LEFT + _WIDTH) + _LEFT) for at, panel in enumerate(panels))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11" fill="#768390">{body}</svg>\n'
    )


def _panel(panel: Panel, left: int) -> str:
    sizes = [size for curve in panel.curves for size, _ in curve.points]
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    parts = [_grid(left), _label(left + _WIDTH / 2, _TOP + _HEIGHT + 32, panel.grows, "middle")]
    for size in sorted(set(sizes)):
        at = left + _across(size, low, high)
        parts.append(_label(at, _TOP + _HEIGHT + 15, f"{size:,}", "middle"))
    for number, (colour, curve) in enumerate(zip(_COLOURS, panel.curves, strict=False)):
        points = [(left + _across(size, low, high), _down(seconds)) for size, seconds in curve.points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = _TOP + 12 + 14 * number
        parts.append(f'<text x="{left + 8}" y="{y}" fill="{colour}">{curve.name}</text>')
    return "".join(parts)


def _grid(left: int) -> str:
    lines = []
    for power, name in _TICKS.items():
        y = _down(10**power)
        lines.append(f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#76839055"/>')
        lines.append(_label(left - 6, y + 4, name, "end"))
    return "".join(lines)


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _across(size: int, low: float, high: float) -> float:
    return 20 + (_WIDTH - 40) * (math.log10(size) - low) / (high - low)


def _down(seconds: float) -> float:
    share = (math.log10(max(seconds, 1e-4)) - _FLOOR) / _DECADES
    return _TOP + _HEIGHT * (1 - share)
