"""A run's name, tags and note, a line each."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine.lessons.labels import name_in, note_in, tags_after
from engine.messages import RunRow
from engine.problem import Problem
from engine.remarks import Labelled
from engine.text import one_line
from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Row

_LABEL = 8
_WORDS = {
    "name": "what the run is called",
    "tags": "words with commas between them, to find the run by",
    "note": "what should be remembered of it",
}


class LabelDialogue(Dialogue[Labelled | None]):
    """Gives what has changed, None where nothing has."""

    DEFAULT_CSS = """
    LabelDialogue Horizontal { height: 1; }
    LabelDialogue .name { width: 8; }
    LabelDialogue Input { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("down,tab", "move(1)", show=False, priority=True),
        Binding("up,shift+tab", "move(-1)", show=False, priority=True),
        Binding("enter", "apply", show=False, priority=True),
    ]

    def __init__(self, row: RunRow) -> None:
        super().__init__()
        self._row = row
        self._had = {"name": one_line(row.name), "tags": ", ".join(row.tags), "note": one_line(row.note)}

    def compose(self) -> ComposeResult:
        """A line each, then the word on the one in focus."""
        with Vertical(id="frame"):
            yield Title(f"Run {self._row.run}")
            for name, value in self._had.items():
                yield from _field(name, value)
            yield Lines([Row(), Row()], id="word")
            yield Lines([Row(), keys(("enter", "apply"), ("up down", "move"), ("esc", "cancel"))])

    def on_mount(self) -> None:
        """Begin with the tags, which change most."""
        super().on_mount()
        self.query_one("#tags", Input).focus()

    def on_descendant_focus(self) -> None:
        """Say what the field is."""
        self._say(Row(_WORDS.get(getattr(self.focused, "id", None) or "", ""), "dim"))

    def action_move(self, way: int) -> None:
        """The next field or the one before."""
        self.focus_next(Input) if way > 0 else self.focus_previous(Input)

    def action_apply(self) -> None:
        """Take what has changed, unless it is wrong."""
        typed = {name: self.query_one(f"#{name}", Input).value.strip() for name in self._had}
        changed = {name: value for name, value in typed.items() if value != self._had[name]}
        wrong = next(iter(changed), "name")
        try:
            name = name_in(changed["name"]) if "name" in changed else None
            wrong = "tags"
            tags = tags_after([], filter_empty(changed["tags"])) if "tags" in changed else None
            wrong = "note"
            note = note_in(changed["note"]) if "note" in changed else None
        except Problem as problem:
            self.query_one(f"#{wrong}", Input).focus()
            self.call_after_refresh(self._say, Row(one_line(f"{problem.what} {problem.do}"), "bad"))
            return
        self.dismiss(Labelled(name=name, tags=tags, note=note) if changed else None)

    def _say(self, row: Row) -> None:
        self.query_one("#word", Lines).show([Row(), row])


def filter_empty(text: str) -> list[str]:
    """The words between commas."""
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _field(name: str, value: str) -> ComposeResult:
    line = Line(value, id=name, compact=True)
    line.cursor_blink = False
    with Horizontal():
        yield Lines([Row(name.ljust(_LABEL), "dim")], classes="name")
        yield line
