"""Train: one run, live, or with the outcome where its progress was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from engine.findings import Patch
from engine.messages import RunRow
from engine.run_state import RunState
from openlora_tui.actions import bindings, tables
from openlora_tui.diagnosing import cause_of
from openlora_tui.screens.place import Place
from openlora_tui.widgets.bars import KeyBar, TooSmall, TopBar
from openlora_tui.widgets.chart import LossChart
from openlora_tui.widgets.failure import ConsolePart, FailureStory, died
from openlora_tui.widgets.ghost import Ghost
from openlora_tui.widgets.machine import MachinePanel
from openlora_tui.widgets.memory import MemoryPanel
from openlora_tui.widgets.painted import Painted
from openlora_tui.widgets.panels import FindingsPanel, LastLine, LogPanel, MiniCharts, SamplesPanel
from openlora_tui.widgets.run_head import RunHead

if TYPE_CHECKING:
    from openlora_tui.session import Change


class TrainScreen(Place):
    """The head, the chart, and beside it what surrounds a run."""

    CSS_PATH = "train.tcss"
    TABLES = tables("train")
    BINDINGS = bindings(*TABLES)
    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        """Everything that any size shows; the style sheet decides what a size leaves out."""
        yield TopBar()
        yield RunHead()
        with Horizontal(id="body"):
            with Vertical(id="main"):
                yield FailureStory()
                yield ConsolePart()
                yield LossChart(id="chart")
                yield MiniCharts()
                yield SamplesPanel()
            with Vertical(id="side"):
                yield MachinePanel()
                yield MemoryPanel()
                yield FindingsPanel()
                yield LogPanel()
        yield LastLine()
        yield KeyBar()
        yield TooSmall()

    @property
    def chart(self) -> LossChart:
        """The loss chart."""
        return self.query_one(LossChart)

    @property
    def marking(self) -> bool:
        """True while the marks are stepped through."""
        return self.chart.chosen is not None

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """Numbers now, charts and texts where `curves`."""
        self.set_class(died(self.tui.session.state), "-failed")
        self.query_one(RunHead).repaint()
        if changes & {"machine", "run", "status"}:
            self.query_one(MachinePanel).repaint()
        if curves and changes & {"run", "status"}:
            for kind in (MemoryPanel, LossChart, MiniCharts, SamplesPanel, FindingsPanel, LogPanel, LastLine):
                self.query_one(kind).repaint()
        if self.has_class("-failed"):
            self.advised()
        self.paint_bars()

    def advised(self) -> None:
        """Tell what a run died of."""
        self.query_one(FailureStory).repaint()
        self.query_one(ConsolePart).repaint()

    def reset(self) -> None:
        """Forget what was zoomed and chosen of the run before."""
        if self.is_mounted:
            self.chart.halvings, self.chart.chosen, self.chart.ghost = 0, None, None
            self.remove_class("-zoomed")
            for painted in self.query(Painted):
                painted.repaint()

    def why_not(self, id: str) -> str:
        """What the curve and the run lack."""
        state = self.tui.session.state
        if id == "marks" and not self.chart.display:
            return f"{self.tui.facts().key('zoom')} shows the curve first."
        if id == "marks" and not self.chart.marks:
            return "Nothing has happened on this curve yet."
        if id in ("mark_before", "mark_after") and not self.marking:
            return f"{self.tui.facts().key('marks')} shows the marks first."
        if id == "versus" and self.chart.ghost is None and not self._others():
            return "There is no earlier run to compare with."
        if id == "align" and self.chart.ghost is None:
            return f"{self.tui.facts().key('versus')} chooses a run to compare with first."
        if id == "samples" and not (state and state.samples):
            return "There are no samples yet; sample_steps in the recipe says when they come."
        if id == "mend_run":
            return "" if self._mending() is not None else "No change is proposed that would mend this run."
        if id == "findings" and not self.advice().findings:
            return "There are no findings: nothing was noticed that needs you."
        return ""

    @property
    def step_meant(self) -> int | None:
        """That of the chosen mark."""
        return self.chart.chosen_step

    def do_marks(self) -> None:
        """The newest mark, then on to the left."""
        self.chart.step_marks(-1)
        self.paint_bars()

    def do_note(self) -> None:
        """Write a note at the chart."""
        from openlora_tui.modals.note import Note

        state = self.tui.session.state
        if state is not None:
            step = state.step if self.step_meant is None else self.step_meant
            self.app.push_screen(Note(step), lambda text: self.tui.note(state.run, step, text))

    def do_mark_before(self) -> None:
        """The mark to the left."""
        self.chart.step_marks(-1)

    def do_mark_after(self) -> None:
        """The mark to the right."""
        self.chart.step_marks(1)

    def _others(self) -> list[RunRow]:
        """Runs with a curve, but for the open one."""
        session = self.tui.session
        return [row for row in session.newest_first() if row.step and row.run != session.watched]

    def do_versus(self) -> None:
        """Choose a run to compare with; with one chosen, take it away."""
        if self.chart.ghost is not None:
            self._compare_with(None)
            return
        from openlora_tui.modals.pick import run

        def chosen(name: str | None) -> None:
            if name is not None:
                self.tui.session.glance(name, self._compare_with)

        self.app.push_screen(run(self._others(), self.tui.clock()), chosen)

    def _compare_with(self, state: RunState | None) -> None:
        self.chart.ghost = Ghost(state) if state is not None else None
        self.chart.chosen = None
        self.chart.repaint()
        self.paint_bars()

    def do_align(self) -> None:
        """By step, or by share of the run."""
        if self.chart.ghost is not None:
            self.chart.ghost.by_share = not self.chart.ghost.by_share
            self.chart.repaint()

    def do_zoom(self) -> None:
        """The chart alone, or everything again."""
        self.toggle_class("-zoomed")

    def do_closer(self) -> None:
        """The later half."""
        self.chart.zoom(1)

    def do_farther(self) -> None:
        """Twice as much."""
        self.chart.zoom(-1)

    def do_close(self) -> None:
        """Leave the marks, else the zoom."""
        if not self.leave_mode():
            self.tui.action_do("runs")

    def do_back(self) -> None:
        """Out of marks or zoom first, then back to the runs."""
        self.do_close()

    def leave_mode(self) -> bool:
        """End stepping or zooming; False where neither was on."""
        if self.chart.chosen is not None:
            self.chart.chosen = None
            self.chart.repaint()
            return True
        if self.has_class("-zoomed"):
            self.remove_class("-zoomed")
            return True
        return False

    def do_eaten(self) -> None:
        """The rows of the chosen mark's step; of the last one that was found fault with, where none is."""
        from engine.eaten.suspect import suspect_step
        from openlora_tui.modals.eaten import EatenView

        session, chosen = self.tui.session, self.chart.chosen_step
        if session.state is not None and session.welcome is not None:
            step = suspect_step(session.state) if chosen is None else chosen
            self.app.push_screen(EatenView(session.welcome.home, session.state.run, step))

    def do_samples(self) -> None:
        """All samples."""
        from openlora_tui.modals.readers import Samples

        self.app.push_screen(Samples())

    def do_findings(self) -> None:
        """All findings."""
        from openlora_tui.modals.findings import Findings

        self.app.push_screen(Findings(list(self.advice().findings)))

    def do_mend_run(self) -> None:
        """The change that would mend the run."""
        patch = self._mending()
        if patch is not None:
            self.tui.offer(patch, self.advice())

    def _mending(self) -> Patch | None:
        """What would have kept the run from its end."""
        state = self.tui.session.state
        if state is None or not died(state):
            return None
        cause = cause_of(self.advice().heeded, state)
        return cause.patch if cause is not None else None

    def do_log(self) -> None:
        """The whole log; of a run that died its console too, at the line that tells most."""
        from openlora_tui.modals.readers import LogReader

        state = self.tui.session.state
        autopsy = self.tui.advising.autopsy(state) if state is not None and died(state) else None
        self.app.push_screen(LogReader(autopsy))
