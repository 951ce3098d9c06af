"""Full-screen pages: the help, the samples and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input

from engine.text import clean, one_line
from openlora_tui.actions import TABLES, shown
from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.widgets.find_line import FindLine
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.panels import LEVEL_ROLE, console_rows, log_row, sample_rows
from openlora_tui.widgets.wrap import wrapped

if TYPE_CHECKING:
    from openlora_tui.session import Change


class Reader(Dialogue[None]):
    """One page of text with a title, searched with `/`."""

    PAGE = True
    TAIL: ClassVar[bool] = False
    BINDINGS: ClassVar = [Binding("q", "close", show=False)]

    def __init__(self, title: str, remark: str = "") -> None:
        super().__init__()
        self._title, self._remark = title, remark

    def compose(self) -> ComposeResult:
        """Title, page, search line, keys."""
        with Vertical(id="frame"):
            yield Title(self._title, self._remark)
            yield Page(self.write, tail=self.TAIL)
            yield FindLine("search")
            foot = keys(
                (self.pressed("down", "up"), "move"),
                (self.pressed("half_down", "half_up"), "half a page"),
                (self.pressed("find", "find_next", "find_before"), "search"),
                (self.pressed("close"), "close"),
            )
            yield Lines([foot])

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.query_one(Page).focus()

    def write(self, width: int) -> list[Row]:
        """The text as it is now."""
        raise NotImplementedError

    @on(Input.Changed)
    def _searched(self, event: Input.Changed) -> None:
        self.query_one(Page).search(event.value)

    @on(FindLine.Left)
    def _found(self) -> None:
        self.query_one(Page).focus()


class Help(Reader):
    """What the keys do: here first, then everywhere."""

    def __init__(self, places: tuple[str, ...], title: str) -> None:
        super().__init__(f"Keys in {title}")
        self._places = places

    def write(self, width: int) -> list[Row]:
        """A block for each place, the present one first."""
        rows: list[Row] = []
        for name in [*self._places, *(name for name in TABLES if name not in self._places)]:
            rows.append(Row(TABLES[name].title, "bright"))
            for action in TABLES[name].actions:
                names = " ".join(shown(key) for key in self.tui.keymap.keys[action.id])
                label = Row("  ").add(names.ljust(16), "bold accent")
                lines = wrapped(action.help, width - 18)
                rows.append(label.add(lines[0]))
                rows += [Row(" " * 18).add(line) for line in lines[1:]]
            rows.append(Row())
        rows.append(
            Row("ctrl+c never quits. A run goes on when OpenLoRA is closed or the link breaks.", "dim")
        )
        return rows


class Samples(Reader):
    """All sample texts, the newest round first."""

    def __init__(self) -> None:
        super().__init__("Samples", "the newest first")

    def write(self, width: int) -> list[Row]:
        """Each round under its step."""
        state = self.tui.session.state
        rows: list[Row] = []
        step = None
        for sample in reversed(state.samples if state is not None else []):
            if sample.step != step:
                step = sample.step
                rule = self.tui.glyphs.rule
                rows.append(
                    Row(f"step {step:,} ", "bright").add(rule * max(width - 8 - len(f"{step:,}"), 0), "faint")
                )
            rows += [*sample_rows(sample, width), Row()]
        return rows

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """New samples come in at the top."""
        if curves and "run" in changes:
            self.query_one(Page).repaint()


class LogReader(Reader):
    """The tail of the log, and after a failure the worker's console."""

    TAIL = True

    def __init__(self) -> None:
        super().__init__("Log", "the end of it; it grows as the run goes on")

    def write(self, width: int) -> list[Row]:
        """Log lines, folded; then the outcome."""
        state = self.tui.session.state
        if state is None:
            return []
        rows: list[Row] = []
        for line in state.log:
            first, *rest = wrapped(line.text, width - 9)
            rows.append(log_row(line) if not rest else Row(log_row(line).plain[:9], "dim"))
            if rest:
                rows[-1].add(first, LEVEL_ROLE[line.level])
            rows += [Row(" " * 9).add(text, LEVEL_ROLE[line.level]) for text in rest]
        console = console_rows(state)
        if console:
            rows += [Row(), Row("Last words of the worker", "bright")]
            rows += [Row(text) for row in console for text in wrapped(row.plain, width)]
        path = getattr(state.outcome, "log", "")
        if path:
            rows += [Row(), Row("whole console  ", "dim").add(one_line(clean(path)))]
        return rows or [Row("Nothing has been logged yet.", "dim")]

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """The tail grows."""
        if curves and "run" in changes:
            self.query_one(Page).repaint()
