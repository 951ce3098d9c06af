"""The line into which a prompt is typed: grows with its text, and brings back what was asked before."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from openlora_tui.widgets.harmless import harmless

_MOST = 5


class PromptLine(TextArea):
    """Enter sends, ctrl+j begins a new line, up and down go through `past`, the newest last."""

    BINDINGS: ClassVar = [
        Binding("pageup", "screen.scroll('page_up')", show=False),
        Binding("pagedown", "screen.scroll('page_down')", show=False),
    ]

    class Sent(Message):
        """Enter was pressed; the line is empty again."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Helped(Message):
        """`?` was pressed where no text is."""

    def __init__(self, past: Callable[[], list[str]]) -> None:
        super().__init__(compact=True, highlight_cursor_line=False, soft_wrap=True, id="prompt")
        self.cursor_blink = False
        self._past = past
        self._back = 0
        self._typed = ""

    def render_line(self, y: int) -> Strip:
        """Textual's own strip, cleaned."""
        return harmless(super().render_line(y))

    def take(self) -> str:
        """The text, and the line empty again."""
        text = self.text
        self._back, self._typed = 0, ""
        self.text = ""
        return text

    def put(self, text: str) -> None:
        """Another text, the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        # All of this happens at once and not by bindings, which come after the keys typed behind.
        row = self.cursor_location[0]
        match event.key:
            case "enter" if self.text.strip():
                self.post_message(self.Sent(self.take()))
            case "enter":
                pass
            case "question_mark" if not self.text:
                self.post_message(self.Helped())
            case "up" if row == 0 and self._recall(1):
                pass
            case "down" if row == self.document.line_count - 1 and self._recall(-1):
                pass
            case _:
                await super()._on_key(event)
                return
        event.stop()
        event.prevent_default()

    def on_text_area_changed(self) -> None:
        """As high as the text, up to a few lines."""
        wanted = max(min(self.wrapped_document.height, _MOST), 1)
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted

    def _recall(self, way: int) -> bool:
        past = self._past()
        back = self._back + way
        if not 0 <= back <= len(past):
            return False
        if self._back == 0:
            self._typed = self.text
        self._back = back
        self.put(past[-back] if back else self._typed)
        return True
