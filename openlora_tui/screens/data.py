"""Data: what the rows are, how long they are, and what of each the model learns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from engine.inspection.talk import Spec
from engine.text import one_line
from openlora_tui.actions import bindings, tables
from openlora_tui.inspecting import Inspecting, Watching
from openlora_tui.screens.data_acts import DataActs
from openlora_tui.subject import of_draft, of_run
from openlora_tui.widgets.bars import KeyBar, TooSmall, TopBar
from openlora_tui.widgets.data_empty import empty_rows
from openlora_tui.widgets.data_panels import (
    ColumnsPanel,
    DataFindings,
    DataHead,
    DataPanel,
    LengthsPanel,
    RowPanel,
)
from openlora_tui.widgets.find_line import FindLine
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.table import BigTable
from openlora_tui.widgets.trail_line import TrailLine

if TYPE_CHECKING:
    from openlora_tui.session import Change

LENGTHS: Final = tuple(sorted({*(1 << n for n in range(5, 21)), *(3 << n for n in range(5, 19))}))
"""What `+` and `-` go through: powers of two and what lies half-way."""
_OF_ROWS: Final = frozenset({
    "read_row", "goto_row", "copy_place", "find", "column_left", "column_right", "view", "sort_rows",
    "map_columns",
})  # fmt: skip
_VIEWS: Final = ("findings", "row", "lengths", "columns")


class DataScreen(DataActs):
    """The table, and beside or below it what is known of the data."""

    CSS_PATH = "data.tcss"
    TABLES = tables("data")
    BINDINGS = bindings(*TABLES)
    AUTO_FOCUS = "#rows"

    def __init__(self) -> None:
        super().__init__()
        self.about = Inspecting(lambda: self.tui.session, self._came)
        self._view = 0
        self._chosen: Spec | None = None
        """What a person chose here, which goes before the draft and the run."""
        self._model = ""

    def compose(self) -> ComposeResult:
        """Everything that any size shows; the style sheet decides what a size leaves out."""
        yield TopBar()
        yield DataHead(self.about)
        yield TrailLine(self.about, lambda: self.trail, lambda: self.table.cursor)
        with Horizontal(id="body"):
            yield BigTable(_Rows(self.about), figures="tokens", empty=self._empty, id="rows")
            with Vertical(id="beside"):
                yield DataFindings(self.about)
                yield LengthsPanel(self.about)
                yield ColumnsPanel(self.about)
                yield RowPanel(self.about, lambda: self.about.number(self.table.cursor))
        yield FindLine("find in all rows", id="find")
        yield FindLine("go to row number", id="goto")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """The first view under the table."""
        super().on_mount()
        self.add_class(f"-view-{_VIEWS[0]}", "-none")

    @property
    def table(self) -> BigTable:
        """The rows."""
        return self.query_one(BigTable)

    # --- which data ---

    def on_screen_resume(self) -> None:
        """Look at what is wanted now; the same data is not read again."""
        super().on_screen_resume()
        self._begin()

    def open(self, spec: Spec) -> None:
        """Look at these files."""
        self._chosen = spec
        if self.ready:
            self._begin()

    def _begin(self) -> None:
        if self.tui.session.link is not None:
            self._find_out()

    @work(exclusive=True, group="subject")
    async def _find_out(self) -> None:
        spec = self._chosen or of_draft(getattr(self.tui, "draft", None))
        row = self.row
        if spec is None and row is not None:
            home = self.tui.session.welcome.home if self.tui.session.welcome is not None else ""
            spec = await asyncio.to_thread(of_run, row, home)
        if spec is not None and (spec != self.about.spec or not self.about.live):
            self._look_at(spec)

    def _look_at(self, spec: Spec) -> None:
        same = self.about.spec is not None and spec.files == self.about.spec.files
        self.about.begin(spec)
        self.trail = None
        if not same:
            self.table.reset()
        self.paint_about()
        self.paint_bars()

    def do_onward(self) -> None:
        """On to the recipe, with the data that is looked at and the max_length that was tried."""
        spec = self.about.spec
        if spec is None:
            self.tui.action_do("recipe")
            return
        # From here on the recipe says which data is meant.
        self._chosen = None
        tried = self.about.max_length if self.about.max_length != spec.max_length else None
        self.tui.open_data(spec.files, spec.model, tried, spec.eval_files)

    # --- painting ---

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """The inspection paints what comes of it at once; this is for all else."""
        if "link" in changes and self.about.spec is None:
            self._begin()
        if changes & {"link", "status"}:
            self.paint_about()
        self.paint_bars()

    def paint_about(self) -> None:
        """Everything that is known of the data."""
        self.set_class(self.about.report is None, "-none")
        self.set_class(self.trail is not None or self.about.view is not None, "-trail")
        self.table.following = self.trail is not None
        self.table.repaint()
        self.query_one(TrailLine).repaint()
        for panel in self.query(DataPanel):
            panel.repaint()

    def _came(self) -> None:
        """Something has come from the inspection."""
        if not self.ready or not self.is_attached:
            return
        if self.about.count:
            self._show_row()
        self.catch_up()
        self.follow_mending()
        self._follow_search()
        top = self.app.screen
        if top is self:
            with self.app.batch_update():
                self.paint_about()
                self.paint_bars()
        elif isinstance(top, Watching):
            top.show()

    def _empty(self, width: int) -> list[Row]:
        return empty_rows(self.about, self._key, self.tui.folder, width)

    # --- actions ---

    def _key(self, id: str) -> str:
        return self.tui.facts().key(id)

    def why_not(self, id: str) -> str:
        """Most actions need rows."""
        about = self.about
        if id in _OF_ROWS and not about.count:
            return f"There are no rows yet; {self._key('other_data')} chooses a data file."
        if id in ("longer", "shorter") and about.lengths is None:
            return f"Tokens are not counted; {self._key('data_model')} chooses a model."
        if id == "view" and (self.has_class("-wide") or self.has_class("-vast")):
            return "Everything is shown already."
        if id == "eval_data" and about.spec is None:
            return f"Choose the training data first; {self._key('other_data')} does."
        return self.why_not_follow(id)

    def do_read_row(self) -> None:
        """The row on the whole screen."""
        from openlora_tui.modals.row_view import RowView

        self.app.push_screen(RowView(self.about, lambda: self.table.cursor, self.go_to, self._lengthen))

    def do_other_data(self) -> None:
        """Choose a file."""
        self._choose("data")

    def do_data_model(self) -> None:
        """Choose a model."""
        self._choose("model")

    def do_eval_data(self) -> None:
        """Choose the evaluation data."""
        self._choose("eval")

    @work(exclusive=True, group="choose")
    async def _choose(self, what: str) -> None:
        from openlora_tui.modals import pick

        folder = self.tui.folder
        if what == "model":
            rows = self.tui.session.newest_first()
            chooser = pick.model(folder, "The model whose tokenizer counts", rows)
        else:
            chooser = pick.data(folder, "Data to look at" if what == "data" else "Data to evaluate on")
        chosen = await self.app.push_screen_wait(chooser)
        if chosen is None:
            return
        now = replace(self.about.spec or Spec(files=[]), max_length=self.about.max_length)
        self._model = chosen if what == "model" else self._model or now.model
        if what == "data":
            now = replace(now, files=[chosen])
        elif what == "eval":
            now = replace(now, eval_files=[chosen])
        if now.files:
            self.open(replace(now, model=self._model))
        else:
            self.call_later(self.do_other_data)

    def do_longer(self) -> None:
        """The next longer max_length."""
        self._lengthen(1)

    def do_shorter(self) -> None:
        """The next shorter max_length."""
        self._lengthen(-1)

    def _lengthen(self, way: int) -> None:
        now = self.about.max_length
        steps = [step for step in LENGTHS if (step > now if way > 0 else step < now)]
        if steps:
            self.about.max_length = steps[0] if way > 0 else steps[-1]
            self._show_row()
            self.paint_about()

    def do_view(self) -> None:
        """The next view under the table."""
        self.remove_class(f"-view-{_VIEWS[self._view]}")
        self._view = (self._view + 1) % len(_VIEWS)
        self.add_class(f"-view-{_VIEWS[self._view]}")

    def do_column_right(self) -> None:
        """Columns further right."""
        self.table.columns_by(1)

    def do_column_left(self) -> None:
        """Columns further left."""
        self.table.columns_by(-1)

    def do_copy_place(self) -> None:
        """`file:line` into the terminal's clipboard."""
        shown = self.about.shown
        if shown is not None and shown.row == self.about.number(self.table.cursor):
            self.app.copy_to_clipboard(shown.where)
            self.tui.tell(f"Copied {one_line(shown.where)}", good=True)

    # --- moving and finding ---

    def go_to(self, place: int) -> None:
        """To a place of the table."""
        self.table.go(place)
        self._show_row()

    def _show_row(self) -> None:
        self.about.show(self.about.number(self.table.cursor))

    @on(BigTable.Moved)
    def _moved(self) -> None:
        self._show_row()
        self.query_one(RowPanel).repaint()
        self.query_one(TrailLine).repaint()

    @on(BigTable.Chosen)
    def _clicked(self) -> None:
        self.tui.action_do("read_row")

    def do_find(self) -> None:
        """Open the search line."""
        self._open_line("#find")

    def do_goto_row(self) -> None:
        """Open the line for a number."""
        self._open_line("#goto")

    def _open_line(self, id: str) -> None:
        line = self.query_one(id, FindLine)
        line.display = True
        line.focus()

    @on(FindLine.Left)
    def _left(self) -> None:
        goto, find = self.query_one("#goto", FindLine), self.query_one("#find", FindLine)
        self.table.focus()
        number = goto.value.strip().replace(",", "")
        goto.value, goto.display = "", False
        if number:
            self._go_to(number)
        elif find.value.strip().lower() != self.table.wanted:
            self.trail = None if find.value.strip() else self.trail
            self.table.wanted = find.value.strip().lower()
            self.table.repaint()
            if self.table.wanted:
                self._seek(self.table.cursor, 1)

    def _go_to(self, text: str) -> None:
        place = self.about.place(int(text) - 1) if text.isdecimal() and int(text) else None
        if place is not None:
            self.go_to(place)
        elif text.isdecimal() and 1 <= int(text) <= self.about.rows:
            self.tui.tell(f"Row {int(text):,} is not among those shown; {self._key('close')} shows all.")
        else:
            self.tui.tell(f"Rows go from 1 to {self.about.rows:,}.")

    @on(BigTable.Again)
    def _again(self, event: BigTable.Again) -> None:
        if self.trail is not None:
            self.step(event.way)
            return
        self._seek(self.table.cursor + event.way, event.way)

    def _seek(self, start: int, way: int) -> None:
        if 0 <= start < self.about.count:
            self.about.seek(self.table.wanted, start, way)
        else:
            self.tui.tell("That was the last row." if way > 0 else "That was the first row.")

    def _follow_search(self) -> None:
        """To the row that was found, or a word that there is none."""
        sought = self.about.sought
        if sought is None or not sought.ended:
            return
        self.about.sought = None
        if sought.row is None:
            self.tui.tell(f"No row further on holds {one_line(sought.text, 40)}.")
        else:
            self.go_to(sought.row)


class _Rows:
    """The inspection as the table wants it."""

    def __init__(self, about: Inspecting) -> None:
        self._about = about
        self.cells = about.cells
        self.want = about.want

    @property
    def count(self) -> int:
        """Rows met so far."""
        return self._about.count

    @property
    def columns(self) -> list[str]:
        """The columns met so far."""
        return self._about.columns

    def number(self, row: int) -> int:
        """The row's own number, where only some are shown."""
        return self._about.number(row)

    def figure(self, row: int) -> tuple[str, str]:
        """Tokens of the row; marked where some are cut."""
        tokens = self._about.tokens(row)
        if tokens is None:
            return "", "dim"
        lengths = self._about.lengths
        cut = tokens > self._about.max_length and lengths is not None and bool(lengths.rows)
        return f"{tokens:,}", "warn" if cut else "dim"
