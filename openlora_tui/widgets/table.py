"""A table of any number of rows: only those in view are ever asked for, measured or painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.message import Message

from engine.text import one_line
from openlora_tui.actions import moves
from openlora_tui.widgets.painted import Painted, Row

_NARROWEST: Final = 10
_WIDEST: Final = 60
"""Cells of a column of text, at least and (where others need the room) at most."""
_MEASURED: Final = 200
"""Characters of a value that decide about its width."""


class Source(Protocol):
    """Where the rows come from."""

    @property
    def count(self) -> int:
        """How many rows there are now."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""

    def number(self, row: int) -> int:
        """What the row is called, from 0: its own number where only some rows are shown."""

    def cells(self, row: int) -> Sequence[str | None] | None:
        """The values of a row; None while they are on their way."""

    def figure(self, row: int) -> tuple[str, str]:
        """A number beside the row's own, and its role; empty where there is none."""

    def want(self, first: int, last: int) -> None:
        """These rows are in view."""


class BigTable(Painted, can_focus=True):
    """Rows numbered from 1 under a cursor; columns are as wide as what was seen of them."""

    BINDINGS = moves(find=True)
    DEFAULT_CSS = "BigTable { height: 1fr; }"

    class Moved(Message):
        """The cursor is on another row."""

    class Again(Message):
        """The next place found is wanted, or with `way` -1 the one before."""

        def __init__(self, way: int) -> None:
            super().__init__()
            self.way = way

    class Chosen(Message):
        """The row under the cursor was clicked."""

    def __init__(
        self,
        source: Source,
        *,
        figures: str = "",
        empty: Callable[[int], list[Row]] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._source = source
        self._empty = empty
        self._figures = figures
        self.cursor = 0
        """The row under the cursor, from 0."""
        self.wanted = ""
        """Text that is marked where it stands in a row."""
        self.following = False
        """True while the keys of a search go through something else than what was searched for."""
        self._offset = 0
        self._first = 0
        self._widths: dict[str, int] = {}

    def reset(self) -> None:
        """Other rows: back to the top, and nothing known of widths."""
        self.cursor = self._offset = self._first = 0
        self.wanted = ""
        self._widths.clear()
        self.repaint()

    # --- painting ---

    def rows(self, width: int, height: int) -> list[Row]:
        """The names of the columns, then the rows in view."""
        count = self._source.count
        if not count or height < 2:
            return self._empty(width) if self._empty is not None else []
        room = height - 1
        self.cursor = min(self.cursor, count - 1)
        self._offset = min(max(self._offset, self.cursor - room + 1, 0), self.cursor)
        self._offset = min(self._offset, max(count - room, 0))
        view = range(self._offset, min(self._offset + room, count))
        self._source.want(view.start, view.stop - 1)
        self._measure(view)
        number = max(3, *(len(f"{self._source.number(row) + 1:,}") for row in view))
        figure = max(len(self._figures), 6) if self._figures else 0
        before = 1 + number + 2 + (figure + 2 if figure else 0)
        layout = self._layout(width - before)
        head = Row(" ").add("row".rjust(number), "dim").add("  ")
        if figure:
            head.add(self._figures.rjust(figure), "dim").add("  ")
        for name, size in layout:
            head.add(_fit(name, size), "dim").add("  ")
        return [head, *(self._line(row, number, figure, layout, width) for row in view)]

    def _line(self, row: int, number: int, figure: int, layout: list[tuple[str, int]], width: int) -> Row:
        line = Row().add(f"{self._source.number(row) + 1:,}".rjust(number), "faint").add("  ")
        if figure:
            text, role = self._source.figure(row)
            line.add(text.rjust(figure), role).add("  ")
        cells = self._source.cells(row)
        if cells is None:
            line.add(self.tui.glyphs.ellipsis, "faint")
        else:
            values = dict(zip(self._source.columns, cells, strict=False))
            for name, size in layout:
                self._cell(line, values.get(name), size)
        if row != self.cursor:
            return Row(" ").join(line)
        mark = self.tui.glyphs.cursor if self.has_focus else " "
        return Row(mark, "accent").join(line).cut(width, self.tui.glyphs.ellipsis).to(width).on("select")

    def _cell(self, line: Row, value: str | None, size: int) -> None:
        text = one_line(value or "", 0 if self.wanted else _MEASURED)
        if not text:
            line.add(_fit("–" if value is None else "empty", size), "faint").add("  ")
            return
        found = text.lower().find(self.wanted) if self.wanted else -1
        if cell_len(text) > size:
            # What was searched for is brought into view.
            begin = max(found - size // 3, 0) if found >= size - 2 else 0
            text = (self.tui.glyphs.ellipsis if begin else "") + text[begin + bool(begin) :]
            found -= begin
            if cell_len(text) > size:
                text = set_cell_size(text, size - 1) + self.tui.glyphs.ellipsis
        shown = _fit(text, size)
        if 0 <= found < len(shown):
            end = found + len(self.wanted)
            line.add(shown[:found]).add(shown[found:end], "bold accent").add(shown[end:]).add("  ")
            return
        line.add(shown).add("  ")

    def _measure(self, view: range) -> None:
        for row in view:
            for name, value in zip(self._source.columns, self._source.cells(row) or (), strict=False):
                known = self._widths.get(name, 0)
                if known < _WIDEST * 3 and value:
                    self._widths[name] = max(known, cell_len(one_line(value, _MEASURED)))

    def _layout(self, room: int) -> list[tuple[str, int]]:
        """The columns in view and their widths: those that need little get it, the others share the rest."""
        names = list(self._source.columns)
        self._first = min(self._first, max(len(names) - 1, 0))
        names = names[self._first :]
        natural = {name: max(self._widths.get(name, 0), cell_len(one_line(name)), 5) for name in names}
        least = 0
        fitting: list[str] = []
        for name in names:
            least += min(natural[name], _NARROWEST) + 2
            if least > room and fitting:
                break
            fitting.append(name)
        left, widths = room - 2 * len(fitting), dict[str, int]()
        for rest, name in enumerate(sorted(fitting, key=natural.__getitem__)):
            widths[name] = max(min(natural[name], left // (len(fitting) - rest)), 1)
            left -= widths[name]
        return [(name, widths[name]) for name in fitting]

    # --- moving ---

    def go(self, row: int) -> None:
        """Put the cursor on a row."""
        row = max(min(row, self._source.count - 1), 0)
        if row != self.cursor:
            self.cursor = row
            self.repaint()
            self.post_message(self.Moved())

    def columns_by(self, way: int) -> None:
        """Scroll by whole columns."""
        self._first = max(min(self._first + way, len(self._source.columns) - 1), 0)
        self.repaint()

    def action_down(self) -> None:
        """Next row."""
        self.go(self.cursor + 1)

    def action_up(self) -> None:
        """Row before."""
        self.go(self.cursor - 1)

    def action_half_down(self) -> None:
        """Half a page down."""
        self.go(self.cursor + max(self.size.height // 2, 1))

    def action_half_up(self) -> None:
        """Half a page up."""
        self.go(self.cursor - max(self.size.height // 2, 1))

    def action_page_down(self) -> None:
        """A page down."""
        self.go(self.cursor + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        """A page up."""
        self.go(self.cursor - max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """First row."""
        self.go(0)

    def action_bottom(self) -> None:
        """Last row."""
        self.go(self._source.count - 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """The keys of a search are others' while nothing is searched for."""
        return bool(self.wanted) or self.following or action not in ("find_next", "find_before")

    def action_find(self) -> None:
        """Open the search line of the screen."""
        self.tui.action_do("find")

    def action_find_next(self) -> None:
        """Next row with the text."""
        self.post_message(self.Again(1))

    def action_find_before(self) -> None:
        """Row with the text before."""
        self.post_message(self.Again(-1))

    def on_focus(self) -> None:
        """The cursor is shown brighter where keys go."""
        self.repaint()

    def on_blur(self) -> None:
        """The cursor stays visible, without its edge."""
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Move to the row that was clicked; a click on the cursor's row chooses it."""
        row = self._offset + event.y - 1
        if event.y < 1 or row >= self._source.count:
            return
        if row == self.cursor:
            self.post_message(self.Chosen())
        else:
            self.go(row)

    def on_mouse_scroll_down(self) -> None:
        """Three rows, as terminals do."""
        self.go(self.cursor + 3)

    def on_mouse_scroll_up(self) -> None:
        """Three rows, as terminals do."""
        self.go(self.cursor - 3)


def _fit(text: str, size: int) -> str:
    return set_cell_size(one_line(text), size)
