"""The findings of data: the gravest first, each with what may be done about it at a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.findings import Finding
from openlora_tui.inspecting import Inspecting
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.trail import name_of
from openlora_tui.widgets.finding_rows import lie, listed, told
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import near

_LISTED: Final = 8
Wish = tuple[str, Finding]
"""What is to be done with a finding: `rows`, `only` or `mend`."""


class DataFindings(Dialogue[Wish | None]):
    """Gives what a person wants done; putting a finding aside is done here."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("enter", "wish('rows')", show=False, priority=True),
        Binding("F", "wish('only')", show=False, id="only_these"),
        Binding("p", "wish('mend')", show=False, id="mend"),
        Binding("x", "aside", show=False, id="dismiss"),
    ]

    def __init__(self, about: Inspecting, first: str = "") -> None:
        super().__init__()
        self._about, self._first = about, first

    def compose(self) -> ComposeResult:
        """The list above, the chosen one below."""
        with Vertical(id="frame"):
            yield Title("Findings")
            yield PickList(id="found")
            yield Lines([Row()])
            yield Page(self._detail)
            yield Foot(
                ("enter", "its rows"),
                (self.pressed("only_these"), "only these"),
                (self.pressed("mend"), "mend"),
                (self.pressed("dismiss"), "put aside"),
                ("tab", "into the text"),
                ("esc", "close"),
            )

    def on_mount(self) -> None:
        """List what was found."""
        super().on_mount()
        self.show()
        self.query_one(PickList).focus()
        if self._first:
            self.query_one(PickList).choose(self._first)

    def show(self) -> None:
        """List what is known now; what was put aside comes last."""
        about = self._about
        found = sorted(about.findings, key=lambda finding: finding in self._about.dismissed)
        picked = self.query_one(PickList)
        height = min(len(found), _LISTED)
        if picked.styles.height is None or picked.styles.height.value != height:
            picked.styles.height = height
        before = self.finding
        picked.show([Item(name_of(finding), self._line(finding), extra=finding) for finding in found])
        title, whole = self.query_one(Title), about.report is not None and about.report.done
        title.remark = "" if whole else f"of the first {about.rows:,} rows"
        title.repaint()
        self._ask()
        if before is not None and before == self.finding:
            self.query_one(Page).repaint()
        elif before is not None:
            self.query_one(Page).rewrite(self._detail)

    @property
    def finding(self) -> Finding | None:
        """The one under the cursor."""
        current = self.query_one(PickList).current
        return current.extra if current is not None and isinstance(current.extra, Finding) else None

    def _line(self, finding: Finding) -> Callable[[int], Row]:
        aside = finding in self._about.dismissed
        return lambda width: listed(finding, self.tui.glyphs, aside=aside)

    def _ask(self) -> None:
        if self.finding is not None:
            self._about.ask_members(self.finding)

    def _detail(self, width: int) -> list[Row]:
        finding = self.finding
        if finding is None:
            return [Row("Nothing was noticed that needs you.", "dim")]
        folder = self.tui.folder
        short = replace(finding, evidence=[near(line, folder) for line in finding.evidence])
        return told(short, self._where(finding, width), self.pressed("mend"), width)

    def _where(self, finding: Finding, width: int) -> list[Row]:
        """A chart of the data from its first row to its last, high where rows of the finding lie."""
        members, whole = self._about.members.get(finding.check), self._about.rows
        if members is None or len(members.rows) < 2:
            return []
        last = f" {whole:,}"
        chart = lie(members.rows, whole, max(width - len(last) - 12, 8), self.tui.glyphs)
        return [Row("rows".ljust(10), "dim").add("1 ", "dim").add(chart, "warn").add(last, "dim")]

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._ask()
        self.query_one(Page).rewrite(self._detail)

    @on(PickList.Chosen)
    def _clicked(self) -> None:
        self.action_wish("rows")

    def action_wish(self, what: str) -> None:
        """Close with a wish, unless nothing can be done."""
        finding = self.finding
        if finding is None:
            return
        why = self._why_not(what, finding)
        if why:
            self.tui.tell(why)
        else:
            self.dismiss((what, finding))

    def _why_not(self, what: str, finding: Finding) -> str:
        if what == "mend" and self.tui.readonly:
            return "OpenLoRA was opened to watch only (--readonly)."
        if what == "mend" and finding.patch is None:
            return "There is no patch for this; the remedy says what a person can do."
        if what == "mend":
            return ""
        members = self._about.members.get(finding.check)
        rows = bool(finding.places) or (members is not None and bool(members.rows))
        return "" if rows else "This is not about single rows of the table."

    def action_aside(self) -> None:
        """Put the finding aside, or take it back."""
        finding = self.finding
        if finding is None:
            return
        try:
            aside = self._about.dismissed.turn(finding)
        except OSError as error:
            self.tui.tell(f"It cannot be put aside: {error.strerror or error}.")
            return
        self.show()
        self.tui.tell("Put aside for this data." if aside else "Taken back.", good=True)
