"""The findings of a run: a list, and of the chosen one the evidence, the cause and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.findings import Finding
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.panels import by_severity, finding_row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped


class Findings(Dialogue[None]):
    """The gravest first."""

    PAGE = True
    BINDINGS: ClassVar = [Binding("q", "close", show=False), Binding("tab", "app.focus_next", show=False)]

    def __init__(self, found: Sequence[Finding] | None = None, first: Finding | None = None) -> None:
        super().__init__()
        self._first = first
        self._found = found
        """Those of the open run where none are given."""

    def compose(self) -> ComposeResult:
        """The list above, the chosen one below."""
        with Vertical(id="frame"):
            yield Title("Findings")
            yield PickList(id="found")
            yield Lines([Row()])
            yield Page(self._detail)
            yield Foot(
                (self.pressed("down", "up"), "next finding"), ("tab", "into the text"), ("esc", "close")
            )

    def on_mount(self) -> None:
        """List what was found."""
        state = self.tui.session.state
        found = self._found
        if found is None:
            found = by_severity(state) if state is not None else []
        listed = self.query_one(PickList)
        listed.styles.height = min(len(found), 8)
        listed.show([Item(str(i), self._line(f), extra=f) for i, f in enumerate(found)])
        if self._first is not None and self._first in found:
            listed.choose(str(list(found).index(self._first)))
        listed.focus()

    def _line(self, finding: Finding) -> Callable[[int], Row]:
        step = Row(f"step {finding.step:,} " if finding.step is not None else "", "dim")
        return lambda width: between(finding_row(finding, self.tui.glyphs), step, width)

    def _detail(self, width: int) -> list[Row]:
        current = self.query_one(PickList).current
        finding = current.extra if current is not None else None
        return finding_rows(finding, width) if isinstance(finding, Finding) else []

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.query_one(Page).rewrite(self._detail)


def finding_rows(finding: Finding, width: int) -> list[Row]:
    """Everything a finding says."""
    role = SEVERITY_ROLE[finding.severity]
    head = Row(finding.severity, f"bold {role}").add(f"  {finding.category.replace('_', ' ')}", "dim")
    if finding.confidence < 1:
        head.add(f"  {figures.percent(finding.confidence)} sure", "dim")
    rows = [head, *(Row(line, "bright") for line in wrapped(finding.title, width)), Row()]
    if finding.evidence:
        rows.append(Row("evidence", "dim"))
        for line in finding.evidence:
            rows += [Row("  ").add(text) for text in wrapped(line, width - 2)]
        rows.append(Row())
    for label, text in (("cause", finding.cause), ("remedy", finding.remedy)):
        if text:
            rows += [Row(label, "dim"), *(Row("  ").add(line) for line in wrapped(text, width - 2)), Row()]
    if finding.patch is not None:
        rows += [Row("change to the recipe", "dim"), Row("  ").add(one_line(finding.patch.label), "accent")]
    return rows
