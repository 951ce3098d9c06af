"""The line at the foot of a screen into which a filter or a search is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.message import Message

from openlora_tui.widgets.harmless import Line


class FindLine(Line):
    """Hidden until `/` is pressed; enter keeps the text, escape drops it."""

    BINDINGS: ClassVar = [Binding("escape", "drop", show=False), Binding("down,up", "keep", show=False)]
    DEFAULT_CSS = "FindLine { display: none; }"

    class Left(Message):
        """The line was left: focus goes back to what was searched."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(id=id, placeholder=placeholder, compact=True, select_on_focus=False)
        self.cursor_blink = False

    def action_keep(self) -> None:
        """Back to the list with the text kept."""
        self.display = bool(self.value)
        self.post_message(self.Left())

    def action_drop(self) -> None:
        """Back to the list without a filter."""
        self.value = ""
        self.display = False
        self.post_message(self.Left())

    async def action_submit(self) -> None:
        """Enter keeps the text."""
        self.action_keep()
