"""The findings on the recipe under edit: the gravest first, each with the change that one key makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.findings import Finding, Patch
from engine.text import one_line
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.modals.findings import finding_rows
from openlora_tui.preflighting import Preflighting
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.panels import finding_row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped

_LISTED: Final = 8
_CLEAR: Final = "Nothing stands in the way."


class PreflightFindings(Dialogue[None]):
    """Stays open while changes are made, and shows what is left of the findings.

    Args:
        about: what is known of the recipe.
        apply: makes the change of a finding; gives why it cannot, or nothing.
        undo: takes the last change back.
    """

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("p", "apply", show=False, id="apply_patch"),
        Binding("u", "undo", show=False, id="undo"),
    ]

    def __init__(
        self, about: Preflighting, apply: Callable[[Finding], str], undo: Callable[[], None]
    ) -> None:
        super().__init__()
        self._about, self._apply, self._undo = about, apply, undo
        self._shown: list[Finding] = []
        self._old = False
        """True while what is shown speaks of the recipe before the last change."""

    def compose(self) -> ComposeResult:
        """The list above, the chosen one below."""
        with Vertical(id="frame"):
            yield Title("Before the run")
            yield PickList(id="found")
            yield Lines([Row()])
            yield Page(self._detail)
            yield Foot(
                (self.pressed("apply_patch"), "mend"),
                (self.pressed("undo"), "undo"),
                ("tab", "into the text"),
                ("esc", "close"),
            )

    def on_mount(self) -> None:
        """List what was found."""
        super().on_mount()
        self.show()
        self.query_one(PickList).focus()

    def show(self) -> None:
        """List what is known now; until the recipe was looked at again, what was known before."""
        about = self._about
        self._old = about.verdict is None
        if not self._old:
            self._shown = about.findings
        picked = self.query_one(PickList)
        before = self._finding
        picked.styles.height = min(max(len(self._shown), 1), _LISTED)
        picked.show([Item(finding.title, self._line(finding), extra=finding) for finding in self._shown])
        title = self.query_one(Title)
        title.remark = self._remark()
        title.repaint()
        if before != self._finding:
            self.query_one(Page).rewrite(self._detail)
        else:
            self.query_one(Page).repaint()

    def _remark(self) -> str:
        if self._old:
            return "looking again"
        return "" if self._about.done else "the rows are still looked at"

    @property
    def _finding(self) -> Finding | None:
        current = self.query_one(PickList).current
        return current.extra if current is not None and isinstance(current.extra, Finding) else None

    def _line(self, finding: Finding) -> Callable[[int], Row]:
        def write(width: int) -> Row:
            change = Row("", "accent")
            if finding.patch is not None and finding.patch.recipe:
                change = Row(f" {', '.join(finding.patch.recipe)}", "accent")
            row = finding_row(finding, self.tui.glyphs)
            return between(row, change, width) if row.width + change.width <= width else row

        return write

    def _detail(self, width: int) -> list[Row]:
        finding = self._finding
        if finding is None:
            facts = self._about.verdict.facts if self._about.verdict is not None else []
            rows = [Row(_CLEAR, "bold ok"), Row()] if self._about.verdict is not None else []
            return [*rows, *(Row(line) for fact in facts for line in wrapped(fact, width))]
        rows = finding_rows(replace(finding, patch=None), width)
        return [*rows, *_change(finding.patch, width)] if finding.patch is not None else rows

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.query_one(Page).rewrite(self._detail)

    def action_apply(self) -> None:
        """Make the change that the finding under the cursor proposes."""
        finding = self._finding
        if finding is None:
            return
        why = self._apply(finding)
        if why:
            self.tui.tell(why)
        self.show()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._undo()
        self.show()


def _change(patch: Patch, width: int) -> list[Row]:
    """What the patch would change."""
    where, words = "recipe", patch.label
    if not patch.recipe:
        where, words = "data", f"openlora inspect DATA --apply {' '.join(patch.data)} -o NEW"
    lines = wrapped(one_line(words), width - 2)
    return [Row(f"change to the {where}", "dim"), *(Row("  ").add(line, "accent") for line in lines)]
