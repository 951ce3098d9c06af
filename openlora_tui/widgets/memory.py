"""What a run takes in memory, against what was predicted."""

from __future__ import annotations

from typing import Final

from engine.run_state import RunState
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.widgets.machine import gauge, heading
from openlora_tui.widgets.painted import Painted, Row

_TALL: Final = 45
"""Rows of a screen that has room for each phase; smaller ones show the one that took the most."""
_NAME: Final = 14
_SIZE: Final = 11


def memory_words(state: RunState, width: int) -> Row:
    """The peak that was measured, against what was predicted; empty while nothing is measured."""
    if not state.memory_peak:
        return Row()
    row = Row("mem ", "dim")
    if state.predicted is None:
        return row.add(figures.size(state.memory_peak))
    # What is resident without an accelerator holds what the C library keeps for later, too.
    counted = any(measured.reserved for measured in state.measured)
    role = "warn" if counted and state.memory_peak > state.predicted.bytes * 1.1 else "text"
    if width < 90:
        part = state.memory_peak / max(state.predicted.bytes, 1)
        return row.add(figures.percent(part), role).add(" of predicted", "dim")
    return row.add(figures.share(state.memory_peak, state.predicted.bytes), role).add(" predicted", "dim")


class MemoryPanel(Painted):
    """A bar for each phase; its whole width is what was predicted, or the most that was measured."""

    DEFAULT_CSS = "MemoryPanel { height: auto; }"

    def repaint(self) -> None:
        """Paint, after making room for a phase that came."""
        wanted = len(self.rows(max(self.size.width, 20), 99))
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
        self.display = wanted > 0
        super().repaint()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there is to show."""
        return len(self.rows(max(width, 20), 99))

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading with what was predicted, and the bars; nothing where nothing is known."""
        state = self.tui.session.state
        if state is None or not (state.measured or state.predicted):
            return []
        predicted = state.predicted.bytes if state.predicted else 0
        note = f"{figures.size(predicted)} predicted" if predicted else ""
        rows = [heading("memory", note, width, self.tui.glyphs)]
        phases = [(m.phase, m.reserved or m.bytes) for m in state.measured]
        if self.screen.size.height < _TALL:
            phases = [max(reversed(phases), key=lambda phase: phase[1])] if phases else []
        whole = max(predicted, state.memory_peak, 1)
        rows += [self._bar(name, size, whole, predicted, width) for name, size in phases]
        return rows if phases else [*rows, Row("not measured yet", "dim")]

    def _bar(self, name: str, size: int, whole: int, predicted: int, width: int) -> Row:
        room = max(width - _NAME - _SIZE, 4)
        row = Row(one_line(name, _NAME - 1).ljust(_NAME), "dim")
        inside = min(size, predicted) if predicted else size
        bar = gauge(inside / whole, room, self.tui.glyphs)
        if size > inside:  # what goes beyond the prediction has a colour of its own
            cells = [round(room * part / whole) for part in (inside, size)]
            thin = self.tui.glyphs.thin[0]
            bar = Row(thin * cells[0], "accent").add(thin * (cells[1] - cells[0]), "warn")
            bar.add(thin * (room - cells[1]), "panel")
        text = figures.size(size)
        row.join(bar)
        return row.add(text.rjust(max(width - row.width, len(text) + 1)))
