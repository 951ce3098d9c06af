"""The mapping of columns to what is learnt: edited field by field, with what it makes of the first rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input

from engine.mapping.mapping import plain
from engine.mapping.preview import Preview, Sample
from engine.text import one_line
from openlora_tui.inspecting import Inspecting
from openlora_tui.mapping_words import FIELDS, meant, typed
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import near, wrapped

_NAME = 13
_LISTED = 7


class MappingPage(Dialogue[dict[str, Any] | None]):
    """Gives the mapping that a person takes, None where it was closed."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("enter", "edit", show=False, priority=True),
        Binding("x", "clear", show=False),
        Binding("r", "propose", show=False),
        Binding("s", "take", show=False),
        Binding("tab", "app.focus_next", show=False),
    ]

    def __init__(self, about: Inspecting) -> None:
        super().__init__()
        self._about = about
        self._values: dict[str, Any] = {}
        self._preview: Preview | None = None
        self._proposing = False

    def compose(self) -> ComposeResult:
        """The fields, the line to type into, the preview, the keys."""
        with Vertical(id="frame"):
            yield Title("Mapping of the columns")
            yield PickList(id="fields")
            line = Line(placeholder="enter keeps it", compact=True, select_on_focus=False, id="value")
            line.cursor_blink = False
            yield line
            yield Lines([Row(), Row()], id="help")
            yield Page(self._write)
            yield Foot(
                ("enter", "edit"), ("x", "clear"), ("r", "propose"), ("s", "into the recipe"),
                ("tab", "into the preview"), ("esc", "close"),
            )  # fmt: skip

    def on_mount(self) -> None:
        """Begin with the mapping that counts, else with a proposal."""
        super().on_mount()
        self.query_one("#value", Line).display = False
        fields = self.query_one(PickList)
        fields.styles.height = _LISTED
        spec = self._about.spec
        if spec is not None and spec.mapping is not None:
            self._values = plain(spec.mapping)
            self._try()
        else:
            self.action_propose()
        self._list()
        fields.focus()

    @property
    def _field(self) -> str:
        current = self.query_one(PickList).current
        return current.key if current is not None else "question"

    # --- what comes ---

    def show(self) -> None:
        """Take in what the inspection says of the mapping."""
        preview = self._about.preview
        if preview is None or preview is self._preview:
            return
        self._preview = preview
        if self._proposing:
            self._proposing = False
            self._values = plain(preview.mapping) if preview.mapping is not None else {}
        self._list()
        self.query_one(Page).rewrite(self._write)

    def _list(self) -> None:
        fields = self.query_one(PickList)
        fields.show([Item(name, self._line(name)) for name in FIELDS])
        self._say()

    def _line(self, name: str) -> Callable[[int], Row]:
        value, preview = self._values.get(name), self._preview
        wrong = preview is not None and preview.problem and preview.at.partition(".")[0] == name
        text = one_line(typed(name, value)) if value else ""

        def line(width: int) -> Row:
            row = Row(name.ljust(_NAME), "text" if value else "dim")
            row.add(text or "–", "bright" if text else "faint")
            if not wrong or preview is None:
                return row
            mark = self.tui.glyphs.severity["blocker"]
            return between(row, Row(f"{mark} {one_line(preview.problem, 48)}", "bad"), width)

        return line

    def _say(self) -> None:
        """What the field under the cursor is for, and what would mend what is wrong."""
        preview = self._preview
        rows = [Row(FIELDS[self._field], "dim"), Row()]
        if preview is not None and preview.problem:
            place = f"{preview.at}: " if preview.at else ""
            rows[1] = Row(one_line(f"{place}{preview.problem}. {preview.do}"), "bad")
        elif preview is not None and preview.reason:
            rows[1] = Row(f"proposed: {one_line(preview.reason)}", "dim")
        self.query_one("#help", Lines).show(rows)

    def _write(self, width: int) -> list[Row]:
        preview = self._preview
        if preview is None:
            return [Row("Reading the first rows …", "dim")]
        if preview.problem:
            return [Row("There are no examples while something is wrong.", "dim")]
        head = Row(f"{preview.examples:,} examples", "bright" if preview.examples else "bad")
        head.add(f" of the first {preview.rows:,} rows", "dim")
        if preview.left_out:
            head.add(f"   {preview.left_out:,} left out by filter", "dim")
        head.add(
            f"   {preview.shape}" if preview.shape else "   no shape fits", "dim" if preview.shape else "bad"
        )
        return [head, *(row for sample in preview.samples for row in self._sample(sample, width))]

    def _sample(self, sample: Sample, width: int) -> list[Row]:
        glyphs = self.tui.glyphs
        place = near(sample.where, self.tui.folder)
        rows = [Row(f"{one_line(place)} ", "dim")]
        rows[0].add(glyphs.rule * max(width - rows[0].width, 0), "faint")
        if sample.problem:
            return [*rows, *(Row("  ").add(line, "bad") for line in wrapped(sample.problem, width - 2))]
        for part in sample.parts:
            gutter = Row(f"{glyphs.wall} ", "accent") if part.learnt else Row("  ")
            for number, line in enumerate(wrapped(part.text, width - 14)):
                row = Row().join(gutter).add((part.role if not number else "").ljust(12), "dim")
                rows.append(row.add(line, "bright" if part.learnt else "text"))
        return rows

    # --- editing ---

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._say()

    @on(PickList.Chosen)
    def _clicked(self) -> None:
        self.action_edit()

    def action_edit(self) -> None:
        """Type the value of the field; enter again keeps it."""
        line = self.query_one("#value", Line)
        if line.display:
            line.display = False
            self.query_one(PickList).focus()
            return
        line.value = typed(self._field, self._values.get(self._field, ""))
        line.display = True
        line.cursor_position = len(line.value)
        self.set_focus(line)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if self.query_one("#value", Line).display:
            self._set(meant(self._field, event.value))

    def action_clear(self) -> None:
        """Leave the field out."""
        self._set("")

    def _set(self, value: Any) -> None:
        before = self._values.get(self._field, "")
        if value == before:
            return
        self._values = {name: known for name, known in self._values.items() if name != self._field}
        if value:
            self._values[self._field] = value
        self._try()
        self._list()

    def _try(self) -> None:
        self._proposing = False
        self._about.try_mapping(self._values or None)

    def action_propose(self) -> None:
        """What the columns most likely mean."""
        self._proposing = True
        self._about.propose()

    def action_take(self) -> None:
        """Into the recipe, unless something is wrong."""
        preview = self._preview
        if self.tui.readonly:
            self.tui.tell("OpenLoRA was opened to watch only (--readonly).")
        elif preview is None or preview.problem or preview.mapping is None:
            self.tui.tell("Something is wrong with the mapping still." if self._values else "It is empty.")
        else:
            self.dismiss(plain(preview.mapping))

    def action_close(self) -> None:
        """Out of the line first, then out of the dialogue."""
        if self.query_one("#value", Line).display:
            self.action_edit()
        else:
            self.dismiss(None)
