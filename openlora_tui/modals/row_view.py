"""One row on the whole screen: as the model sees it, beside what a chat would ask, then its columns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.inspection.talk import Beside, Piece, Shown
from engine.text import one_line
from openlora_tui.inspecting import Inspecting
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets.mask import TOKENS, facts_row, legend, mask_rows, prompt_rows, value_rows
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row, fitting
from openlora_tui.widgets.wrap import near, tail, wrapped

if TYPE_CHECKING:
    from openlora_tui.session import Change

_SIDE_BY_SIDE: Final = 100
"""Cells from which on two prompts stand side by side; below, one under the other."""
_GAP: Final = 3


class RowView(Dialogue[None]):
    """j and k go on to the next rows; `go` moves the cursor of the table behind it."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q,enter", "close", show=False, priority=True),
        Binding("j", "row(1)", show=False, priority=True),
        Binding("k", "row(-1)", show=False, priority=True),
        Binding("plus,equals_sign", "length(1)", show=False),
        Binding("minus", "length(-1)", show=False),
        Binding("t", "tokens", show=False),
        Binding("c", "chat", show=False),
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
        self._tokens = 0
        self._beside = False
        self._folded: tuple[object, list[Row]] | None = None
        self._painted: Shown | None = None

    def compose(self) -> ComposeResult:
        """Title, facts, the text, keys."""
        with Vertical(id="frame"):
            yield Title("")
            yield Lines([Row(), Row()], id="facts")
            yield Page(self._write)
            yield Lines([Row()])
            yield Foot(
                ("j k", "next row"),
                ("up down space", "scroll"),
                ("t", "tokens"),
                ("c", "beside chat"),
                ("+ -", "max_length"),
                ("esc", "close"),
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
        self.query_one("#facts", Lines).show([facts_row(shown, self.tui.glyphs), self._terms(shown)])
        page = self.query_one(Page)
        if same:
            page.repaint()
        else:
            page.rewrite(self._write)

    def _terms(self, shown: Shown) -> Row:
        """By what the row is judged, whether a chat asks the same, and what the text's marks mean."""
        if not shown.pieces:
            return Row()
        parts = [Row("max_length ", "dim").add(f"{self._about.max_length:,}")]
        if shown.beside is not None:
            count = len(shown.beside.said)
            words = f"chat differs in {count:,}, c shows" if count else "chat asks the same"
            parts.append(Row(words, "warn" if count else "ok"))
        return fitting([*parts, *legend(self.tui.glyphs)], "   ", max(self.size.width - 4, 20))

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

    def action_tokens(self) -> None:
        """With the borders of the tokens, then with their ids, then without."""
        self._tokens = (self._tokens + 1) % len(TOKENS)
        self.query_one(Page).repaint()

    def action_chat(self) -> None:
        """The prompt beside the one that a chat writes, or the whole row again."""
        if self._painted is not None and self._painted.beside is None and not self._beside:
            self.tui.tell("There is no prompt here that a chat could ask.")
            return
        self._beside = not self._beside
        self.query_one(Page).rewrite(self._write)

    def _write(self, width: int) -> list[Row]:
        shown = self._painted
        if shown is None:
            return []
        wanted = (id(shown), width, self._tokens, self._beside)
        if self._folded is None or self._folded[0] != wanted:
            beside = shown.beside if self._beside else None
            self._folded = (wanted, self._both(beside, width) if beside else self._whole(shown, width))
        return self._folded[1]

    def _whole(self, shown: Shown, width: int) -> list[Row]:
        """The row as the model sees it, then its columns."""
        glyphs = self.tui.glyphs
        rows = mask_rows(shown, width, glyphs, tokens=TOKENS[self._tokens]) if shown.pieces else []
        rule = Row("columns ", "dim").add(glyphs.rule * max(width - 8, 0), "faint")
        return [*rows, Row(), rule, *value_rows(shown, width)] if rows else value_rows(shown, width)

    def _both(self, beside: Beside, width: int) -> list[Row]:
        """What differs in words, then the two prompts before the answer."""
        glyphs = self.tui.glyphs
        if not beside.said:
            rows = [Row("The prompt is the same in a chat, token for token.", "ok"), Row()]
        else:
            mark = glyphs.severity["warning"]
            rows = [
                Row("  " if number else f"{mark} ", "warn").add(line)
                for said in beside.said
                for number, line in enumerate(wrapped(said, width - 2))
            ]
            rows.append(Row())
        if width < _SIDE_BY_SIDE:
            return [*rows, *self._one("in training", beside.training, width), Row(),
                    *self._one("in a chat", beside.chat, width)]  # fmt: skip
        half = (width - _GAP) // 2
        left = self._one("in training", beside.training, half)
        pairs = zip_longest(left, self._one("in a chat", beside.chat, half), fillvalue=Row())
        return rows + [Row().join(one.cut(half)).to(half + _GAP).join(other) for one, other in pairs]

    def _one(self, title: str, pieces: list[Piece], width: int) -> list[Row]:
        tokens = sum(len(piece.tokens) for piece in pieces)
        head = Row(f"{title} ", "dim").add(f"{tokens:,} tokens ", "dim")
        head.add(self.tui.glyphs.rule * max(width - head.width, 0), "faint")
        return [head, *prompt_rows(pieces, width, self.tui.glyphs, TOKENS[self._tokens])]
