"""The form: sections that fold, a line for each field, and one line to type into, opened over a value."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from engine.recipe import Field, field_named
from openlora_tui.sections import FORM, Section, matching, meant, section_of
from openlora_tui.widgets.field_row import VALUE_AT, View, field_row, heading_row, stray_row
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.pick_list import Item, PickList

_HEADING = "section "


class EditLine(Line):
    """Hidden until a value is typed; what is typed goes into the draft at once."""

    BINDINGS: ClassVar = [
        Binding("escape", "cancel", show=False),
        Binding("down,tab", "leave(1)", show=False),
        Binding("up,shift+tab", "leave(-1)", show=False),
    ]
    DEFAULT_CSS = """
    EditLine { display: none; position: absolute; height: 1; background: $ol-panel; color: $ol-bright; }
    """

    class Left(Message):
        """The line is closed: `way` is where the cursor goes, `kept` is False after escape."""

        def __init__(self, way: int, kept: bool) -> None:
            super().__init__()
            self.way, self.kept = way, kept

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.cursor_blink = False

    def action_cancel(self) -> None:
        """Back to the value before."""
        self.post_message(self.Left(0, kept=False))

    def action_leave(self, way: int) -> None:
        """Keep the text and go on to the field below or above."""
        self.post_message(self.Left(way, kept=True))

    async def action_submit(self) -> None:
        """Keep the text."""
        self.action_leave(0)


class Form(PickList):
    """Lists the draft's fields; says what was typed by messages and changes nothing itself."""

    class Typed(Message):
        """A field's text, after each key."""

        def __init__(self, name: str, text: str) -> None:
            super().__init__()
            self.name, self.text = name, text

    class Cancelled(Message):
        """The typing was given up."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Stepped(Message):
        """space was pressed on a field of yes and no."""

    def __init__(self) -> None:
        super().__init__(id="form", empty=lambda width: [])
        self.open: set[str] = {"essential"}
        self.typing = ""
        """The field whose value is being typed."""
        self._view: View | None = None
        self._words: list[str] = []
        self._asked = ""
        """A field that is shown whatever the method."""

    def compose(self) -> ComposeResult:
        """The line to type into."""
        yield EditLine()

    @property
    def line(self) -> EditLine:
        """The line to type into."""
        return self.query_one(EditLine)

    @property
    def field(self) -> Field | None:
        """The field under the cursor."""
        return field_named(self.current.key) if self.current else None

    @property
    def section(self) -> Section | None:
        """The section whose heading is under the cursor."""
        key = self.current.key if self.current else ""
        return next((section for section in FORM if key == _HEADING + section.key), None)

    def view(self, view: View) -> None:
        """Show the draft as it is now; the cursor begins on the first field."""
        first = self._view is None
        self._view = view
        self._list()
        if first:
            self.choose(FORM[0].fields[0].name)

    def filter(self, words: list[str]) -> None:
        """Only the fields that hold these words."""
        self._words = words
        self._list()

    def go(self, name: str) -> None:
        """Put the cursor on a field, opening its section."""
        section, self._asked = section_of(name), name
        if section is not None:
            self.open.add(section.key)
        self._list()
        self.choose(name)

    def fold(self, section: Section) -> None:
        """Open a section, or close it."""
        self.open ^= {section.key}
        self._list()

    def fold_all(self) -> None:
        """Open every section; where all are open, close all but the first."""
        every = {section.key for section in FORM}
        section = section_of(self.current.key) if self.current else None
        self.open = {"essential"} if self.open >= every else every
        self._list()
        if section is not None and section.key not in self.open:
            self.choose(_HEADING + section.key)

    def type(self, name: str, text: str) -> None:
        """Open the line over a field's value."""
        self.go(name)
        self.typing = name
        index = next(i for i, item in enumerate(self.items) if item.key == name)
        line = self.line
        line.styles.offset = (VALUE_AT + 1, index - self._offset)
        line.styles.width = max(self.size.width - VALUE_AT - 1, 8)
        with line.prevent(Input.Changed):
            line.value = text
        line.cursor_position = len(text)
        line.display = True
        self.screen.set_focus(line)

    def _list(self) -> None:
        view = self._view
        if view is None:
            return
        glyphs = self.tui.glyphs
        items = [
            Item(name, stray_row(name, slip, glyphs))
            for name, slip in view.slips.items()
            if field_named(name) is None and not self._words
        ]
        known = (meant(section, view.draft, self._asked) for section in FORM)
        for section in matching(self._words) if self._words else known:
            open_ = bool(self._words) or section.key in self.open
            items.append(Item(_HEADING + section.key, heading_row(section, view, open_, glyphs)))
            if open_:
                items += [self._item(field, view) for field in section.fields]
        self.show(items)

    def _item(self, field: Field, view: View) -> Item:
        def here() -> bool:
            return self.current is not None and self.current.key == field.name

        return Item(field.name, field_row(field, view, self.tui.glyphs, here))

    def key_space(self, event: events.Key) -> None:
        """Yes or no; anywhere else a page down, as in every list."""
        field = self.field
        if self.section is not None or (field is not None and isinstance(field.default, bool)):
            event.stop()
            event.prevent_default()
            self.post_message(self.Stepped())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.typing:
            self.post_message(self.Typed(self.typing, event.value))

    @on(EditLine.Left)
    def _left(self, event: EditLine.Left) -> None:
        name, self.typing = self.typing, ""
        self.screen.set_focus(self)
        self.line.display = False
        if not event.kept:
            self.post_message(self.Cancelled(name))
        elif event.way:
            self._go(self._index + event.way)
        self.repaint()
