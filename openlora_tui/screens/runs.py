"""Runs: every run there is, what became of it, and the keys that act on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine.messages import RunRow
from engine.text import one_line
from openlora_tui.actions import bindings, tables
from openlora_tui.screens.place import Place
from openlora_tui.widgets.bars import KeyBar, TooSmall, TopBar
from openlora_tui.widgets.find_line import FindLine
from openlora_tui.widgets.machine import MachinePanel
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.run_detail import RunDetail
from openlora_tui.widgets.run_row import head_row, run_row
from openlora_tui.widgets.welcome import welcome_rows
from openlora_tui.widgets.wrap import wrapped

if TYPE_CHECKING:
    from openlora_tui.session import Change


class RunsScreen(Place):
    """The list of runs; the selected one is described beside or below it."""

    CSS_PATH = "runs.tcss"
    TABLES = tables("runs")
    BINDINGS = bindings(*TABLES)
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._queue: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        """The table with its detail and machine panel."""
        yield TopBar()
        with Horizontal(id="body"):
            yield PickList(id="runs", head=head_row, empty=self._empty)
            with Vertical(id="side"):
                yield RunDetail(id="detail")
                yield MachinePanel(id="machine", worker=False)
        yield FindLine("filter by name, model, status or run id")
        yield KeyBar()
        yield TooSmall()

    @property
    def table(self) -> PickList:
        """The list of runs."""
        return self.query_one("#runs", PickList)

    @property
    def row(self) -> RunRow | None:
        """The run under the cursor, as it is now."""
        item = self.table.current
        return self.tui.session.rows.get(item.key) if item is not None else None

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """The table when rows or the clock have moved, the machine when it was measured."""
        if changes & {"rows", "link"}:
            self.table.show(self._items())
        elif "machine" in changes and not self.table.items:
            self.table.repaint()
        self.query_one(RunDetail).repaint()
        if "machine" in changes:
            self.query_one(MachinePanel).repaint()
        self.paint_bars()

    def why_not(self, id: str) -> str:
        """A stop of all needs a run that is live."""
        return "No run is live." if id == "stop_all" and not self.tui.session.live else ""

    def do_find(self) -> None:
        """Open the filter line."""
        line = self.query_one(FindLine)
        line.display = True
        self.set_focus(line)  # now, and not a moment later: what is typed on at once belongs to the line

    @on(Input.Changed)
    def _filtered(self) -> None:
        self.table.show(self._items())
        self.paint_bars()

    @on(FindLine.Left)
    def _found(self) -> None:
        self.table.focus()

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.query_one(RunDetail).repaint()
        self.paint_bars()

    @on(PickList.Chosen)
    def _chosen(self) -> None:
        self.tui.action_do("open")

    def _items(self) -> list[Item]:
        wanted = self.query_one(FindLine).value.lower().split()
        self._queue = self.tui.session.queue()
        items = [
            Item(row.run, partial(self._row, row.run), _searched(row))
            for row in self.tui.session.newest_first()
        ]
        return [item for item in items if all(word in item.search for word in wanted)]

    def _row(self, run: str, width: int) -> Row:
        row = self.tui.session.rows.get(run)
        if row is None:
            return Row()
        return run_row(row, width, self.tui.clock(), self.tui.glyphs, self._queue.get(run, 0))

    def _empty(self, width: int) -> list[Row]:
        """Teach: what would be here, and the key that brings it."""
        session = self.tui.session
        if session.rows:
            return [Row(), Row("  No run matches the filter.  esc in the filter line shows all.", "dim")]
        if session.trouble or not session.listed:
            starting = not session.trouble or session.link is None
            title = "Starting the engine …" if starting else "The engine is not connected."
            rows = [Row(), Row(f"  {title}", "bright" if starting else "bold warn"), Row()]
            said = wrapped(session.trouble or "It is asked for its runs.", width - 4)
            rows += [Row(f"  {line}", "dim") for line in said]
            return [*rows, Row("  OpenLoRA keeps trying; runs that are live go on without it.", "dim")]
        return welcome_rows(self.tui.facts(), session.machine, width)


def _searched(row: RunRow) -> str:
    return one_line(f"{row.name} {row.run} {row.status} {row.phase} {row.model} {' '.join(row.data)}").lower()
