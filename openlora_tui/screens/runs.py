"""Runs: every run there is, what became of it, and the keys that act on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine.messages import Accepted, Refused, RunRow
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

_TWO: Final = 2
_MOST: Final = 6
"""Runs that fit beside each other on 80 columns."""

if TYPE_CHECKING:
    from engine.lessons.lesson import Lesson
    from engine.remarks import Labelled
    from engine.run_state import RunState
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
        self._marked: dict[str, None] = {}
        """Runs to compare, in the order in which they were marked."""
        self._lessons: dict[str, Lesson] = {}
        """What is known of runs beside their rows, for the filter."""

    def compose(self) -> ComposeResult:
        """The table with its detail and machine panel."""
        yield TopBar()
        with Horizontal(id="body"):
            yield PickList(id="runs", head=head_row, empty=self._empty)
            with Vertical(id="side"):
                yield RunDetail(id="detail")
                yield MachinePanel(id="machine", worker=False)
        yield FindLine("words, or status:failed tag:good eval<1.2 rate>1e-4 not:word")
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
        """A stop of all needs a run that is live, a comparison two runs."""
        if id == "side_by_side" and len(self._beside()) < _TWO:
            return f"{self.tui.facts().key('mark_run')} marks runs to compare: mark one, and go to another."
        return "No run is live." if id == "stop_all" and not self.tui.session.live else ""

    def do_mark_run(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        row = self.row
        if row is None:
            return
        if row.run in self._marked:
            del self._marked[row.run]
        elif len(self._marked) == _MOST:
            self.tui.tell(f"{_MOST} runs are as many as fit beside each other.")
        else:
            self._marked[row.run] = None
        self.table.repaint()
        self.paint_bars()

    def _beside(self) -> list[str]:
        """The runs to compare: those marked, and the one under the cursor where that is one alone."""
        marked = [run for run in self._marked if run in self.tui.session.rows]
        current = self.row
        if len(marked) == 1 and current is not None and current.run not in marked:
            return [*marked, current.run]
        return marked

    def do_side_by_side(self) -> None:
        """What differs between the marked runs, and what came of it."""
        from openlora_tui.screens.beside import gather

        gather(self.tui.session, self._beside(), self._gathered)

    def _gathered(self, states: list[RunState], lessons: list[Lesson]) -> None:
        self.run_worker(self._laid_out(states, lessons), exclusive=True, group="beside")

    async def _laid_out(self, states: list[RunState], lessons: list[Lesson]) -> None:
        from openlora_tui.screens.beside import laid_out

        welcome = self.tui.session.welcome
        if welcome is not None:
            await self.app.push_screen(await laid_out(welcome.home, states, lessons))

    def do_label(self) -> None:
        """Name, tags and note of the run under the cursor."""
        from openlora_tui.modals.label import LabelDialogue

        if self.row is not None:
            self.app.push_screen(LabelDialogue(self.row), partial(self._labelled, self.row.run))

    def _labelled(self, run: str, said: Labelled | None) -> None:
        def answer(reply: Accepted | Refused) -> None:
            if isinstance(reply, Refused):
                self.tui.tell_problem(reply.problem)

        if said is not None:
            self.tui.session.remark(run, said, answer)

    def do_find(self) -> None:
        """Open the filter line."""
        self.tui.session.recall(self._recalled)
        line = self.query_one(FindLine)
        line.display = True
        self.set_focus(line)  # now, and not a moment later: what is typed on at once belongs to the line

    def _recalled(self, lessons: list[Lesson]) -> None:
        self._lessons = {lesson.run: lesson for lesson in lessons}

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
        typed = self.query_one(FindLine).value
        self._queue = self.tui.session.queue()
        rows = self.tui.session.newest_first()
        if typed.strip():
            rows = self._found_by(typed, rows)
        return [Item(row.run, partial(self._row, row.run), one_line(row.name).lower()) for row in rows]

    def _found_by(self, typed: str, rows: list[RunRow]) -> list[RunRow]:
        # Imported on use: nothing before the first filter needs it.
        from engine.lessons.search import as_typed, matches, of_row

        terms = as_typed(typed)
        return [
            row
            for row in rows
            if matches(terms, of_row(row))
            or (row.run in self._lessons and matches(terms, self._lessons[row.run]))
        ]

    def _row(self, run: str, width: int) -> Row:
        row = self.tui.session.rows.get(run)
        if row is None:
            return Row()
        place, marked = self._queue.get(run, 0), run in self._marked
        return run_row(row, width, self.tui.clock(), self.tui.glyphs, place, marked=marked)

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
