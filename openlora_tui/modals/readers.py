"""Full-screen pages: the help, the samples and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from engine.text import clean, one_line
from openlora_tui.actions import BY_ID, TABLES, shown
from openlora_tui.glyphs import MARK_WORDS
from openlora_tui.modals.dialogue import Dialogue, Foot, Title
from openlora_tui.widgets.find_line import FindLine
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.panels import LEVEL_ROLE, console_rows, log_row, sample_rows
from openlora_tui.widgets.wrap import wrapped

if TYPE_CHECKING:
    from engine.run_state import RunState
    from openlora_tui.diagnosing import Autopsy
    from openlora_tui.session import Change


class Reader(Dialogue[None]):
    """One page of text with a title, searched with `/`."""

    PAGE = True
    BINDINGS: ClassVar = [Binding("q", "close", show=False)]

    def __init__(self, title: str, remark: str = "", *, tail: bool = False) -> None:
        super().__init__()
        self._title, self._remark, self._tail = title, remark, tail

    def compose(self) -> ComposeResult:
        """Title, page, search line, keys."""
        with Vertical(id="frame"):
            yield Title(self._title, self._remark)
            yield Page(self.write, tail=self._tail)
            yield FindLine("search")
            yield Foot(
                (self.pressed("down", "up"), "move"),
                (self.pressed("half_down", "half_up"), "half a page"),
                (self.pressed("find", "find_next", "find_before"), "search"),
                (self.pressed("close"), "close"),
            )

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


def here(screen: Screen[Any]) -> list[tuple[str, str]]:
    """(keys, what they do) for the widget that has the focus, if any."""
    focused = screen.focused
    lines: dict[str, list[str]] = {}
    for key, active in screen.active_bindings.items():
        if active.node is focused and active.enabled:
            action = BY_ID.get(active.binding.id or "")
            said = action.help if action is not None else active.tooltip or active.binding.description
            lines.setdefault(said, []).append(shown(key))
    return [(" ".join(pressed), said) for said, pressed in lines.items() if said]


class Help(Reader):
    """What the keys do: where the cursor is, then here, then everywhere."""

    def __init__(self, places: tuple[str, ...], title: str, here: list[tuple[str, str]]) -> None:
        super().__init__(f"Keys in {title}")
        self._places, self._here = places, here

    def write(self, width: int) -> list[Row]:
        """A block for the widget with the cursor, then one for each table, those of the place first."""
        rows: list[Row] = []
        if self._here:
            rows += _block("Where the cursor is", self._here, width)
        rows += self._marks(width) if "train" in self._places else []
        told = {said for _, said in self._here}
        for name in [*self._places, *(name for name in TABLES if name not in self._places)]:
            table, pressed = TABLES[name], self.tui.keymap.keys
            lines = [
                (" ".join(map(shown, pressed[one.id])), one.help)
                for one in table.actions
                if one.help not in told
            ]
            rows += _block(table.title, lines, width) if lines else []
        rows.append(
            Row("ctrl+c never quits. A run goes on when OpenLoRA is closed or the link breaks.", "dim")
        )
        return rows

    def _marks(self, width: int) -> list[Row]:
        marks = self.tui.glyphs.mark
        return _block("Marks on the curve", [(marks[kind], said) for kind, said in MARK_WORDS.items()], width)


def _block(title: str, lines: list[tuple[str, str]], width: int) -> list[Row]:
    rows = [Row(title, "bright")]
    for pressed, said in lines:
        first, *rest = wrapped(said, width - 18)
        rows.append(Row("  ").add(pressed.ljust(16), "bold accent").add(first))
        rows += [Row(" " * 18).add(line) for line in rest]
    return [*rows, Row()]


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
    """The tail of the log, and after a failure the worker's console.

    Args:
        autopsy: of a run that died; the page then opens at the line of its console that tells most.
    """

    def __init__(self, autopsy: Autopsy | None = None) -> None:
        self._autopsy = autopsy
        self._at = autopsy is not None and autopsy.at is not None
        said = (
            "the line that tells most is marked" if self._at else "the end of it; it grows as the run goes on"
        )
        super().__init__("Log", said, tail=not self._at)

    def on_mount(self) -> None:
        """Begin where the failure is."""
        super().on_mount()
        if self._at:
            self.call_after_refresh(self._go)

    def _go(self) -> None:
        page = self.query_one(Page)
        lines = self.write(max(page.size.width, 1))
        mark = (self.tui.glyphs.cursor, "bad")
        page.show_line(next((at for at, row in enumerate(lines) if row.pieces[:1] == [mark]), 0))

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
        rows += self._printed(state, width)
        path = getattr(state.outcome, "log", "")
        if path:
            rows += [Row(), Row("whole console  ", "dim").add(one_line(clean(path)))]
        return rows or [Row("Nothing has been logged yet.", "dim")]

    def _printed(self, state: RunState, width: int) -> list[Row]:
        """The console with its lines numbered; without an autopsy its last words."""
        autopsy = self._autopsy
        if autopsy is None or not autopsy.lines:
            console = [Row(text) for row in console_rows(state) for text in wrapped(row.plain, width)]
            return [Row(), Row("Last words of the worker", "bright"), *console] if console else []
        rows = [Row(), Row("Console of the worker", "bright")]
        digits = len(f"{autopsy.before + len(autopsy.lines)}")
        for at, line in enumerate(autopsy.lines):
            tells = at == autopsy.at
            first, *rest = wrapped(line, width - digits - 2)
            head = f"{autopsy.before + at + 1:>{digits}} "
            mark = self.tui.glyphs.cursor if tells else " "
            rows.append(Row(mark, "bad").add(head, "faint").add(first, "bright" if tells else "text"))
            rows += [Row(" " * (digits + 2)).add(more, "bright" if tells else "text") for more in rest]
        return rows

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """The tail grows."""
        if curves and "run" in changes:
            self.query_one(Page).repaint()
