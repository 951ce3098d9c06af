"""An earlier run behind the curve of the open one: where its points lie, and how the two stand."""

from __future__ import annotations

from dataclasses import dataclass

from engine.run_state import RunState
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.widgets import plot
from openlora_tui.widgets.painted import Row, between


@dataclass
class Ghost:
    """What is shown of the other run, as it stood when it was chosen."""

    state: RunState
    by_share: bool = False
    """Its steps are laid over those of the open run by their share of the whole, not by their number."""

    @property
    def title(self) -> str:
        """Its number and its name."""
        return f"{self.state.run} {one_line(self.state.name, 30)}".strip()

    def end(self, own: int) -> int:
        """Where its curve ends on the axis of a run of `own` steps."""
        return own if self.by_share else max(self.state.loss.latest_x, 1)

    def losses(self, own: int) -> list[plot.Point]:
        """Its losses on that axis."""
        return self._laid(self.state.loss.points(), own)

    def evals(self, own: int) -> list[plot.Point]:
        """Its losses on held-out rows, likewise."""
        return self._laid(self.state.eval_loss.points(), own)

    def _laid(self, points: list[plot.Point], own: int) -> list[plot.Point]:
        if not self.by_share:
            return points
        whole = max(self.state.steps, self.state.loss.latest_x, 1)
        return [(round(x * own / whole), low, high, last) for x, low, high, last in points]

    def legend(self, own: RunState, length: int, width: int, line: str) -> Row:
        """Both names, how they are laid over each other, and what both had come to at the same place."""
        left = Row(f" {line} ", "chart-train").add(one_line(own.name, 24) or own.run, "text")
        left.add(f"   {line} ", "dim").add(self.title, "text")
        left.add(" by share" if self.by_share else " by step", "dim")
        here = plot.smoothed(own.loss.points())
        there = plot.smoothed(self.losses(length))
        if not here or not there:
            return left
        at = min(here[-1][0], there[-1][0])
        right = Row(figures.loss(_value(here, at)), "chart-train").add(" and ", "dim")
        right.add(figures.loss(_value(there, at)), "text")
        right.add(f" at step {at:,} ", "dim")
        return between(left, right, width) if left.width + right.width + 2 <= width else left


def _value(curve: list[tuple[int, float]], at: int) -> float:
    """What the curve had come to at a step."""
    return next((value for x, value in reversed(curve) if x <= at), curve[0][1])
