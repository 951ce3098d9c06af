"""A page of text to read: scrolls by vim keys, searches, and stays at the end of a text that grows."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from openlora_tui.actions import moves
from openlora_tui.widgets.painted import Painted, Row


class Page(Painted, can_focus=True):
    """Shows what `write(width)` returns; paints only the lines in view."""

    BINDINGS = moves(find=True)
    DEFAULT_CSS = "Page { height: 1fr; }"

    def __init__(self, write: Callable[[int], list[Row]], *, tail: bool = False) -> None:
        super().__init__()
        self._source = write
        self._tail = tail
        self._offset = 0
        self._count = 0
        self._wanted = ""
        self._at_end = tail

    def rewrite(self, write: Callable[[int], list[Row]]) -> None:
        """Show another text, from its top."""
        self._source, self._offset = write, 0
        self.repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """The lines in view."""
        lines = self._source(width)
        self._count = len(lines)
        last = max(len(lines) - height, 0)
        self._offset = last if self._at_end and self._tail else min(self._offset, last)
        view = lines[self._offset : self._offset + height]
        if not self._wanted:
            return view
        wanted = self._wanted
        return [row.on("select") if wanted in row.plain.lower() else row for row in view]

    def search(self, text: str) -> bool:
        """Mark the lines with `text` and go to the first from here; False where there is none."""
        self._wanted = text.lower()
        found = self._seek(range(self._offset, self._count)) if text else True
        self.repaint()
        return found or self._seek(range(self._count))

    def show_line(self, index: int) -> None:
        """Go to where a line stands a little above the middle."""
        self._go(index - self.size.height // 3)

    def action_find(self) -> None:
        """Open the search line of the screen."""
        self.screen.query_one("FindLine").display = True
        self.screen.query_one("FindLine").focus()

    def action_find_next(self) -> None:
        """Next line with the text."""
        self._seek(range(self._offset + 1, self._count))

    def action_find_before(self) -> None:
        """Line with the text before."""
        self._seek(range(self._offset - 1, -1, -1))

    def action_down(self) -> None:
        """One line."""
        self._go(self._offset + 1)

    def action_up(self) -> None:
        """One line back."""
        self._go(self._offset - 1)

    def action_half_down(self) -> None:
        """Half a page."""
        self._go(self._offset + max(self.size.height // 2, 1))

    def action_half_up(self) -> None:
        """Half a page back."""
        self._go(self._offset - max(self.size.height // 2, 1))

    def action_page_down(self) -> None:
        """A page."""
        self._go(self._offset + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        """A page back."""
        self._go(self._offset - max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """The first line."""
        self._go(0)

    def action_bottom(self) -> None:
        """The last line."""
        self._go(self._count)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines, as terminals do."""
        self._go(self._offset + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines, as terminals do."""
        self._go(self._offset - 3)

    def _seek(self, indices: range) -> bool:
        if not self._wanted:
            return False
        lines = self._source(max(self.size.width, 1))
        for index in indices:
            if index < len(lines) and self._wanted in lines[index].plain.lower():
                self._go(index)
                return True
        return False

    def _go(self, offset: int) -> None:
        last = max(self._count - self.size.height, 0)
        self._offset = max(min(offset, last), 0)
        self._at_end = self._offset >= last
        self.repaint()
