"""One row on the whole screen: as the model sees it, then its columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.inspection.talk import Shown
from engine.text import one_line
from openlora_tui.inspecting import Inspecting
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets.mask import facts_row, legend, mask_rows, value_rows
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import near, tail

if TYPE_CHECKING:
    from openlora_tui.session import Change


class RowView(Dialogue[None]):
    """j and k go on to the next rows; `go` moves the cursor of the table behind it."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q,enter", "close", show=False, priority=True),
        Binding("j", "row(1)", show=False, priority=True),
        Binding("k", "row(-1)", show=False, priority=True),
        Binding("plus,equals_sign", "length(1)", show=False),
        Binding("minus", "length(-1)", show=False),
    ]

    def __init__(
        self,
        about: Inspecting,
        cursor: Callable[[], int],
        go: Callable[[int], None],
        length: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._about, self._cursor, self._go, self._length = about, cursor, go, length
        self._folded: tuple[Shown, int, list[Row]] | None = None
        self._painted: Shown | None = None

    def compose(self) -> ComposeResult:
        """Title, facts, the text, keys."""
        with Vertical(id="frame"):
            yield Title("")
            yield Lines([Row(), Row()], id="facts")
            yield Page(self._write)
            yield Lines([Row()])
            yield Foot(
                ("j k", "next row"), ("up down space", "scroll"), ("+ -", "max_length"), ("esc", "close")
            )

    def on_mount(self) -> None:
        """Keys go to the page."""
        super().on_mount()
        self.query_one(Page).focus()
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Paint the row under the cursor, once it has come."""
        about, number = self._about, self._about.number(self._cursor())
        title = self.query_one(Title)
        shown = about.shown if about.shown is not None and about.shown.row == number else None
        title.title = f"row {number + 1:,} of {about.rows:,}"
        title.remark = self._place(shown.where) if shown is not None else ""
        title.repaint()
        if shown is None or shown is self._painted:
            return
        same = self._painted is not None and self._painted.row == shown.row
        self._painted = shown
        facts = facts_row(shown, self.tui.glyphs)
        length = Row(f"max_length {about.max_length:,}   ", "dim").join(legend(self.tui.glyphs))
        self.query_one("#facts", Lines).show([facts, length if shown.pieces else Row()])
        page = self.query_one(Page)
        if same:
            page.repaint()
        else:
            page.rewrite(self._write)

    def _place(self, where: str) -> str:
        return tail(one_line(near(where, self.tui.folder)), max(self.size.width - 32, 8))

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """What comes of the inspection is shown by the screen behind."""

    def action_row(self, way: int) -> None:
        """The next row, or the one before."""
        self._go(self._cursor() + way)
        self.show()

    def action_length(self, way: int) -> None:
        """Another max_length."""
        self._length(way)
        self.show()

    def _write(self, width: int) -> list[Row]:
        shown = self._painted
        if shown is None:
            return []
        if self._folded is None or self._folded[:2] != (shown, width):
            rows = mask_rows(shown, width, self.tui.glyphs) if shown.pieces else []
            rule = Row("columns ", "dim").add(self.tui.glyphs.rule * max(width - 8, 0), "faint")
            rows += [Row(), rule, *value_rows(shown, width)] if rows else value_rows(shown, width)
            self._folded = (shown, width, rows)
        return self._folded[2]
