"""A list of rows with a cursor that paints only the rows in view, whatever their number."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual import events
from textual.message import Message

from openlora_tui.actions import moves
from openlora_tui.widgets.painted import Painted, Row


class Item(msgspec.Struct):
    """One row of a list: `key` stays the same when its text changes."""

    key: str
    row: Callable[[int], Row]
    """Writes the row for a width."""
    search: str = ""
    """Text that a filter looks into."""
    extra: object = None


class PickList(Painted, can_focus=True):
    """Keeps the chosen item when items come and go."""

    BINDINGS = moves()
    DEFAULT_CSS = "PickList { height: 1fr; }"

    class Moved(Message):
        """Another item is under the cursor."""

        def __init__(self, pick_list: PickList, item: Item | None) -> None:
            super().__init__()
            self.pick_list = pick_list
            self.item = item

        @property
        def control(self) -> PickList:
            """The list."""
            return self.pick_list

    class Chosen(Message):
        """An item was clicked twice, or once where it was under the cursor already."""

        def __init__(self, pick_list: PickList, item: Item) -> None:
            super().__init__()
            self.pick_list = pick_list
            self.item = item

        @property
        def control(self) -> PickList:
            """The list."""
            return self.pick_list

    def __init__(
        self,
        *,
        id: str | None = None,
        head: Callable[[int], Row] | None = None,
        empty: Callable[[int], list[Row]] | None = None,
    ) -> None:
        super().__init__(id=id)
        self._head = head
        self._empty = empty
        self._items: list[Item] = []
        self._index = 0
        self._offset = 0

    @property
    def items(self) -> list[Item]:
        """What is listed."""
        return self._items

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        return self._items[self._index] if self._items else None

    def show(self, items: list[Item]) -> None:
        """List `items`; the cursor stays on its item, or where that is gone, at its place."""
        before = self.current.key if self.current else None
        self._items = items
        found = next((i for i, item in enumerate(items) if item.key == before), None)
        self._index = found if found is not None else max(min(self._index, len(items) - 1), 0)
        self.repaint()
        if (self.current.key if self.current else None) != before:
            self.post_message(self.Moved(self, self.current))

    def choose(self, key: str) -> None:
        """Put the cursor on an item."""
        found = next((i for i, item in enumerate(self._items) if item.key == key), None)
        if found is not None:
            self._go(found)

    def rows(self, width: int, height: int) -> list[Row]:
        """The heading if there is one, then the rows in view."""
        rows = [self._head(width)] if self._head and self._items else []
        if not self._items:
            return self._empty(width) if self._empty else []
        room = max(height - len(rows), 1)
        self._offset = min(max(self._offset, self._index - room + 1, 0), self._index)
        self._offset = min(self._offset, max(len(self._items) - room, 0))
        for index in range(self._offset, min(self._offset + room, len(self._items))):
            row = self._items[index].row(width - 1)
            if index == self._index:
                mark = self.tui.glyphs.cursor if self.has_focus or not self.can_focus else " "
                row = (
                    Row(mark, "accent")
                    .join(row.cut(width - 1, self.tui.glyphs.ellipsis))
                    .to(width)
                    .on("select")
                )
            else:
                row = Row(" ").join(row)
            rows.append(row)
        return rows

    def on_focus(self) -> None:
        """The cursor is shown brighter where keys go."""
        self.repaint()

    def on_blur(self) -> None:
        """The cursor stays visible, without its edge."""
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Move to the row that was clicked; a click on the cursor's row chooses it."""
        head = 1 if self._head and self._items else 0
        index = self._offset + event.y - head
        if event.y < head or not 0 <= index < len(self._items):
            return
        if index == self._index and self._items:
            self.post_message(self.Chosen(self, self._items[index]))
        else:
            self._go(index)

    def on_mouse_scroll_down(self) -> None:
        """Three rows, as terminals do."""
        self._go(self._index + 3)

    def on_mouse_scroll_up(self) -> None:
        """Three rows, as terminals do."""
        self._go(self._index - 3)

    def action_down(self) -> None:
        """Next row."""
        self._go(self._index + 1)

    def action_up(self) -> None:
        """Row before."""
        self._go(self._index - 1)

    def action_half_down(self) -> None:
        """Half a page down."""
        self._go(self._index + max(self.size.height // 2, 1))

    def action_half_up(self) -> None:
        """Half a page up."""
        self._go(self._index - max(self.size.height // 2, 1))

    def action_page_down(self) -> None:
        """A page down."""
        self._go(self._index + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        """A page up."""
        self._go(self._index - max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """First row."""
        self._go(0)

    def action_bottom(self) -> None:
        """Last row."""
        self._go(len(self._items) - 1)

    def _go(self, index: int) -> None:
        index = max(min(index, len(self._items) - 1), 0)
        if index != self._index and self._items:
            self._index = index
            self.repaint()
            self.post_message(self.Moved(self, self.current))
