"""A note at the chart: what a person wants to remember of a step."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.text import one_line
from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Row


class Note(Dialogue[str | None]):
    """Gives the text, None where there is none."""

    BINDINGS: ClassVar = [Binding("enter", "write", show=False, priority=True)]

    def __init__(self, step: int) -> None:
        super().__init__()
        self._step = step

    def compose(self) -> ComposeResult:
        """One line to type into."""
        with Vertical(id="frame"):
            yield Title(f"A note at step {self._step:,}")
            line = Line(placeholder="what you want to remember of it", compact=True, max_length=200)
            line.cursor_blink = False
            yield line
            yield Lines([Row(), keys(("enter", "to the chart"), ("esc", "cancel"))])

    def on_mount(self) -> None:
        """Type at once."""
        super().on_mount()
        self.query_one(Line).focus()

    def action_write(self) -> None:
        """Keep it."""
        self.dismiss(one_line(self.query_one(Line).value) or None)
