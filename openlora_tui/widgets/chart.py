"""The loss over the steps: train as a line over its range, eval as dots, marks where something happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.run_state import Mark, RunState
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import MARK_ROLE
from openlora_tui.widgets import plot
from openlora_tui.widgets.ghost import Ghost
from openlora_tui.widgets.painted import Painted, Row, between

_FOOT: Final = 3
"""Rows below the plot: the axis, its numbers, the words of the marks."""
_RANK: Final = ("back", "finding", "said", "rate", "resumed", "paused", "stopped", "saved")
_WORDS: Final = {"saved": "saved", "resumed": "resumed", "paused": "paused", "stopped": "stopped"}


@dataclass
class _Frame:
    """Where the plot lies and which steps it shows."""

    gutter: int
    width: int
    height: int
    x_from: int
    x_to: int
    scale: plot.Scale

    def column(self, step: int) -> int:
        """The cell column of a step, counted from the left edge of the plot."""
        part = (step - self.x_from) / max(self.x_to - self.x_from, 1)
        return min(max(round(part * (self.width - 1)), 0), self.width - 1)


class LossChart(Painted):
    """Reads a RunState and never changes it."""

    JUMP = "marks"

    DEFAULT_CSS = "LossChart { height: 1fr; min-height: 5; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.halvings = 0
        """How often the window on the curve was halved, from its right end."""
        self.chosen: int | None = None
        """Index of the chosen mark while the marks are stepped through."""
        self.ghost: Ghost | None = None
        """The run that this one is compared with."""

    @property
    def state(self) -> RunState | None:
        """The watched run."""
        return self.tui.session.state

    @property
    def marks(self) -> list[Mark]:
        """The marks inside the window, from left to right; evaluations are dots already."""
        state = self.state
        if state is None:
            return []
        x_from, x_to = self._window(state)
        shown = [m for m in state.marks if m.kind != "evaluated" and x_from <= m.step <= x_to]
        return sorted(shown, key=lambda mark: mark.step)

    @property
    def chosen_step(self) -> int | None:
        """The step of the chosen mark."""
        mark = self._chosen_mark()
        return mark.step if mark is not None else None

    def step_marks(self, by: int) -> None:
        """Choose the next mark in a direction; the newest first."""
        count = len(self.marks)
        if count:
            self.chosen = count - 1 if self.chosen is None else (self.chosen + by) % count
        self.repaint()

    def zoom(self, by: int) -> None:
        """Show half as much of the curve, or twice as much."""
        self.halvings = min(max(self.halvings + by, 0), 8)
        self.chosen = None
        self.repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """The plot, its axis, and what happened."""
        state = self.state
        if state is None or (state.loss.empty and state.eval_loss.empty):
            return self._nothing_yet(state, width, height)
        ghost = self.ghost
        frame = self._frame(state, width, height - (ghost is not None))
        if frame.width < 8 or frame.height < 2:
            return []
        canvas = plot.Canvas(frame.width, frame.height)
        plot.draw(canvas, self._points(state, frame), frame.x_from, frame.x_to, frame.scale)
        grid = self._grid(canvas, state, frame)
        rows = [self._labelled(y, cells, frame) for y, cells in enumerate(grid)]
        if ghost is not None:
            rows.insert(0, ghost.legend(state, _length(state), width, self.tui.glyphs.rule * 2))
        rows.append(self._axis(frame))
        rows.append(self._numbers(frame))
        rows.append(self._words(frame, width))
        return rows

    def _window(self, state: RunState) -> tuple[int, int]:
        newest = max(state.loss.latest_x, state.eval_loss.latest_x, state.step)
        if self.halvings == 0:
            end = max(newest, 1) if state.ended else plot.step_end(newest, state.steps)
            return 0, max(end, self.ghost.end(_length(state))) if self.ghost is not None else end
        return max(newest - max(newest >> self.halvings, 8), 0), max(newest, 1)

    def _points(self, state: RunState, frame: _Frame) -> list[plot.Point]:
        return [point for point in state.loss.points() if frame.x_from <= point[0] <= frame.x_to]

    def _frame(self, state: RunState, width: int, height: int) -> _Frame:
        x_from, x_to = self._window(state)
        points = [p for p in state.loss.points() if p[0] >= x_from]
        evals = [p for p in state.eval_loss.points() if p[0] >= x_from]
        values = [v for _, low, high, _ in points for v in (low, high)] + [last for _, _, _, last in evals]
        if self.ghost is not None:
            length = _length(state)
            shown = [*self.ghost.losses(length), *self.ghost.evals(length)]
            values += [last for x, _, _, last in shown if x_from <= x <= x_to]
        plot_height = height - _FOOT
        scale = plot.value_scale(values, max(plot_height // 3, 2))
        labels = [figures.axis(tick, scale.step) for tick in scale.ticks] or [""]
        gutter = max(len(label) for label in labels) + 2
        return _Frame(gutter, width - gutter - 1, plot_height, x_from, x_to, scale)

    def _grid(self, canvas: plot.Canvas, state: RunState, frame: _Frame) -> list[list[tuple[str, str]]]:
        braille = self.tui.glyphs.braille
        roles = {"line": "chart-train", "band": "chart-band", "": "text"}
        grid = []
        for y in range(frame.height):
            row = [canvas.cell(x, y, braille) for x in range(frame.width)]
            grid.append([(char, roles[layer]) for char, layer in row])
        if self.ghost is not None:
            self._haunt(grid, self.ghost, state, frame)
        for x, _, _, last in state.eval_loss.points():
            if frame.x_from <= x <= frame.x_to:
                y = canvas.row(frame.scale.part(last)) // 4
                grid[y][frame.column(x)] = (self.tui.glyphs.eval_dot, "bold chart-eval")
        mark = self._chosen_mark()
        if mark is not None:
            column = frame.column(mark.step)
            for row in grid:
                if row[column][0] == " " or row[column][1] == "chart-band":
                    row[column] = (self.tui.glyphs.wall, "dim")
        return grid

    def _haunt(self, grid: list[list[tuple[str, str]]], ghost: Ghost, state: RunState, frame: _Frame) -> None:
        """Draw the other run's line wherever this one's is not."""
        canvas = plot.Canvas(frame.width, frame.height)
        length = _length(state)
        points = [p for p in ghost.losses(length) if frame.x_from <= p[0] <= frame.x_to]
        plot.draw(canvas, points, frame.x_from, frame.x_to, frame.scale)
        braille = self.tui.glyphs.braille
        for y, row in enumerate(grid):
            for x, (_, role) in enumerate(row):
                if canvas.line[y][x] and role != "chart-train":
                    row[x] = (canvas.cell(x, y, True)[0] if braille else "o", "dim")
        for x, _, _, last in ghost.evals(length):
            if frame.x_from <= x <= frame.x_to:
                y = canvas.row(frame.scale.part(last)) // 4
                grid[y][frame.column(x)] = (self.tui.glyphs.eval_dot, "dim")

    def _labelled(self, y: int, cells: list[tuple[str, str]], frame: _Frame) -> Row:
        label = ""
        for tick in frame.scale.ticks:
            if round((1 - frame.scale.part(tick)) * (frame.height - 1)) == y:
                label = figures.axis(tick, frame.scale.step)
        glyphs = self.tui.glyphs
        row = Row(label.rjust(frame.gutter - 2) + " ", "dim")
        row.add(glyphs.tick if label else glyphs.wall, "faint")
        start = 0
        for x in range(1, len(cells) + 1):
            if x == len(cells) or cells[x][1] != cells[start][1]:
                row.add("".join(char for char, _ in cells[start:x]), cells[start][1])
                start = x
        return row

    def _axis(self, frame: _Frame) -> Row:
        glyphs = self.tui.glyphs
        line = [(glyphs.rule, "faint")] * frame.width
        marks = self.marks
        for mark in sorted(marks, key=lambda m: _RANK.index(m.kind) if m.kind in _RANK else 9, reverse=True):
            line[frame.column(mark.step)] = (glyphs.mark[mark.kind], MARK_ROLE[mark.kind])
        chosen = self._chosen_mark()
        if chosen is not None:
            line[frame.column(chosen.step)] = (glyphs.mark[chosen.kind], "bold accent")
        row = Row(" " * (frame.gutter - 1)).add(glyphs.corner, "faint")
        for char, role in line:
            row.add(char, role)
        return _joined(row)

    def _numbers(self, frame: _Frame) -> Row:
        span = frame.x_to - frame.x_from
        step = max(int(plot.nice_step(span, max(frame.width // 14, 2))), 1)
        line = [" "] * (frame.gutter + frame.width + 1)
        first = -(-frame.x_from // step) * step
        end = 0
        for tick in range(first, frame.x_to + 1, step):
            text = f"{tick:,}"
            at = frame.gutter + frame.column(tick) - len(text) // 2
            at = min(max(at, 0), len(line) - len(text))
            if at > end or end == 0:
                line[at : at + len(text)] = text
                end = at + len(text) + 1
        return Row("".join(line).rstrip(), "dim")

    def _words(self, frame: _Frame, width: int) -> Row:
        """What the marks mean: the chosen one in full, else as many as fit, the gravest first."""
        chosen = self._chosen_mark()
        if chosen is not None:
            return self._in_full(chosen, width)
        line: list[tuple[str, str]] = [(" ", "text")] * width
        taken = [False] * width
        newest: dict[str, Mark] = {}
        for mark in self.marks:
            newest[mark.kind if mark.kind in _WORDS else mark.text] = mark
        for mark in sorted(newest.values(), key=lambda m: (_RANK.index(m.kind), -m.step)):
            glyph, text = self.tui.glyphs.mark[mark.kind], _word(mark)
            column = frame.gutter + frame.column(mark.step)
            fits = column + len(text) + 2 <= width
            label = f"{glyph} {text}" if fits else f"{text} {glyph}"
            at = column if fits else column - len(label) + 1
            room = range(max(at - 2, 0), min(at + len(label) + 2, width))
            if at < 0 or any(taken[x] for x in room):
                continue
            for x, char in enumerate(label, at):
                line[x] = (char, MARK_ROLE[mark.kind] if char == glyph else "dim")
                taken[x] = True
        row = Row()
        for char, role in line:
            row.add(char, role)
        return _joined(row)

    def _in_full(self, mark: Mark, width: int) -> Row:
        glyphs = self.tui.glyphs
        left = Row(" ").add(glyphs.mark[mark.kind], MARK_ROLE[mark.kind])
        left.add(f" step {mark.step:,}", "bright").add(f"  {one_line(mark.text)}")
        index = (self.chosen or 0) + 1
        return between(left, Row(f"{index} of {len(self.marks)}  esc closes ", "dim"), width)

    def _chosen_mark(self) -> Mark | None:
        marks = self.marks
        if self.chosen is None or not marks:
            return None
        return marks[min(self.chosen, len(marks) - 1)]

    def _nothing_yet(self, state: RunState | None, width: int, height: int) -> list[Row]:
        if state is None:
            text = ""
        elif state.ended:
            text = "This run ended before its first step."
        else:
            text = "The loss is drawn here from the first step on."
        return [Row() for _ in range(height // 2 - 1)] + [Row(text.center(width).rstrip(), "dim")]


def _length(state: RunState) -> int:
    """The steps that count as the whole of a run: those it has done, once it has ended."""
    return max(state.step if state.ended else state.steps, state.step, 1)


def _word(mark: Mark) -> str:
    return one_line(mark.text, 40) if mark.kind not in _WORDS else f"{_WORDS[mark.kind]} {mark.step:,}"


def _joined(row: Row) -> Row:
    """The same row in as few pieces as its colours allow: each piece costs an escape sequence."""
    joined = Row()
    start = 0
    pieces = row.pieces
    for i in range(1, len(pieces) + 1):
        if i == len(pieces) or pieces[i][1] != pieces[start][1]:
            joined.add("".join(text for text, _ in pieces[start:i]), pieces[start][1])
            start = i
    return joined
