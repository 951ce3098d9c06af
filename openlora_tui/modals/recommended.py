"""Values that are recommended for the recipe under edit: each with its reason, taken with one key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.findings import Finding
from engine.recipe.edit import written
from engine.recommend.values import Value
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.modals.findings import finding_rows
from openlora_tui.recommending import Recommending
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped

_NAME: Final = 28
_SURE: Final = 5
_WIDE: Final = 66
"""Columns from which on there is room for the sources."""
_SHARE: Final = 0.45
"""Of the height, for the list."""


class RecommendedValues(Dialogue[None]):
    """Stays open while values are taken, and shows which ones the recipe has.

    Args:
        about: the recommendation, which may still be coming.
        current: gives the recipe's value of a field.
        take: puts values into the recipe in one step; gives why it cannot, or nothing.
        undo: takes the last change back.
    """

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("p", "take", show=False, id="apply_patch"),
        Binding("P", "take_all", show=False),
        Binding("u", "undo", show=False, id="undo"),
    ]

    def __init__(
        self,
        about: Recommending,
        current: Callable[[str], Any],
        take: Callable[[Mapping[str, Any], str], str],
        undo: Callable[[], None],
    ) -> None:
        super().__init__()
        self._about, self._current, self._take, self._undo = about, current, take, undo

    def compose(self) -> ComposeResult:
        """The list above, the chosen one below."""
        with Vertical(id="frame"):
            yield Title("Recommended values")
            yield PickList(id="found")
            yield Lines([Row()])
            yield Page(self._detail)
            yield Foot(
                (self.pressed("apply_patch"), "take it"),
                ("P", "take all"),
                (self.pressed("undo"), "undo"),
                ("tab", "into the text"),
                ("esc", "close"),
            )

    def on_mount(self) -> None:
        """List what is known."""
        super().on_mount()
        self._about.changed = self.show
        self.show()
        self.query_one(PickList).focus()

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._about.end()

    def show(self) -> None:
        """List what is known now."""
        if not self.ready or not self.is_attached:
            return
        picked, found = self.query_one(PickList), self._about.found
        items = [] if found is None else [
            *(Item(value.field, self._value_line(value), extra=value) for value in found.values),
            *(Item(finding.title, self._finding_line(finding), extra=finding) for finding in found.findings),
        ]  # fmt: skip
        most = max(int(self.size.height * _SHARE), 4)
        picked.styles.height = min(max(len(items), 1), most)
        picked.show(items)
        title = self.query_one(Title)
        title.remark = self._remark()
        title.repaint()
        self.query_one(Page).rewrite(self._detail)

    def _remark(self) -> str:
        about = self._about
        if about.found is None:
            return "" if about.problem else f"looking at the rows: {figures.percent(about.share)}"
        runs = about.found.runs
        return f"{runs} past runs" if runs > 1 else "no past runs like it yet"

    @property
    def _chosen(self) -> object:
        current = self.query_one(PickList).current
        return current.extra if current is not None else None

    def _value_line(self, value: Value) -> Callable[[int], Row]:
        def write(width: int) -> Row:
            has = self._current(value.field) == value.value
            glyphs = self.tui.glyphs
            mark, role = (glyphs.status["succeeded"], "dim") if has else (glyphs.severity["note"], "accent")
            row = Row(f"{mark} ", role).add(value.field.ljust(_NAME), "dim" if has else "text")
            if not has:
                row.add(f"{_said(self._current(value.field))} ", "dim").add("→ ", "dim")
            row.add(_said(value.value), "dim" if has else "bright")
            sure = f"{figures.percent(value.confidence):>{_SURE}}"
            source = Row(value.source if width >= _WIDE else "", "dim")
            return between(row, source.add(sure, "dim"), width)

        return write

    def _finding_line(self, finding: Finding) -> Callable[[int], Row]:
        def write(width: int) -> Row:
            role = SEVERITY_ROLE[finding.severity]
            row = Row(f"{self.tui.glyphs.severity[finding.severity]} ", role)
            return row.add(one_line(finding.title), role if finding.severity != "note" else "text").cut(
                width, self.tui.glyphs.ellipsis
            )

        return write

    def _detail(self, width: int) -> list[Row]:
        about, chosen = self._about, self._chosen
        if about.problem is not None:
            parts = (about.problem.get(part, "") for part in ("what", "why", "do"))
            return [Row(line, "bad") for part in parts if part for line in wrapped(one_line(part), width)]
        if isinstance(chosen, Finding):
            return finding_rows(chosen, width)
        if not isinstance(chosen, Value) or about.found is None:
            return [Row("The model and the rows are looked at; it takes some seconds.", "dim")]
        rows = [Row(line) for line in wrapped(one_line(chosen.reason), width)]
        rows += _fact("source", _source(chosen), width)
        rows += [row for cite in chosen.cites for row in _fact("cites", one_line(cite), width)]
        if chosen.runs:
            rows += _fact("runs", ", ".join(map(one_line, chosen.runs)), width)
        rows += [Row(), *(Row(one_line(fact), "dim") for fact in about.found.facts)]
        return [*rows, *(Row(line, "dim") for n in about.found.notes for line in wrapped(one_line(n), width))]

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.query_one(Page).rewrite(self._detail)

    def action_take(self) -> None:
        """Put the value under the cursor into the recipe."""
        chosen = self._chosen
        if isinstance(chosen, Value):
            self._put({chosen.field: chosen.value}, f"{chosen.field} {_said(chosen.value)}")
        elif isinstance(chosen, Finding) and chosen.patch is not None and chosen.patch.recipe:
            self._put(chosen.patch.recipe, chosen.patch.label)
        elif chosen is not None:
            self.tui.tell("No value would mend this; the remedy says what a person can do.")

    def action_take_all(self) -> None:
        """Put all values into the recipe."""
        found = self._about.found
        if found is not None:
            values = {value.field: value.value for value in found.values}
            self._put(values, f"{len(values)} values as recommended")

    def _put(self, values: Mapping[str, Any], label: str) -> None:
        why = self._take(values, label)
        if why:
            self.tui.tell(why)
        self.show()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._undo()
        self.show()


def _said(value: object) -> str:
    return one_line(written(value), 24) if value is not None else "none"


def _source(value: Value) -> str:
    words = {
        "your runs": "your own runs on rows like these",
        "data": "what is in the data",
        "memory": "the memory that there is",
        "published": "what is published",
        "default": "the default",
        "your choice": "you",
    }
    return f"{words[value.source]}; {figures.percent(value.confidence)} sure"


def _fact(label: str, text: str, width: int) -> list[Row]:
    first, *rest = wrapped(text, max(width - 8, 12))
    return [Row(label.ljust(8), "dim").add(first), *(Row(" " * 8).add(line) for line in rest)]
