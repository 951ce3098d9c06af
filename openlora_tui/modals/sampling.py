"""How the next answers are drawn: a field for each figure, and a system turn."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine.problem import Problem
from engine.text import one_line
from openlora_tui.conversation import Conversation
from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.sampling import OPTIONS, changed
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Row

_SYSTEM = "system"
_LABEL = 20


class SamplingDialogue(Dialogue[None]):
    """Changes the conversation once all figures are right."""

    DEFAULT_CSS = """
    SamplingDialogue Horizontal { height: 1; }
    SamplingDialogue .name { width: 20; }
    SamplingDialogue Input { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("down,tab", "move(1)", show=False, priority=True),
        Binding("up,shift+tab", "move(-1)", show=False, priority=True),
        Binding("enter", "apply", show=False, priority=True),
    ]

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation

    def compose(self) -> ComposeResult:
        """A line each, then the word on the one in focus."""
        sampling = self._conversation.sampling
        with Vertical(id="frame"):
            yield Title("Sampling", "of the next answers")
            for option in OPTIONS:
                yield from _field(option.name, f"{getattr(sampling, option.name):g}")
            yield from _field(_SYSTEM, self._conversation.system)
            yield Lines([Row(), Row()], id="word")
            yield Lines([Row(), keys(("enter", "apply"), ("up down", "move"), ("esc", "cancel"))])

    def on_mount(self) -> None:
        """Begin with the first."""
        super().on_mount()
        self.query(Input).first().focus()

    def on_descendant_focus(self) -> None:
        """Say what the field does."""
        name = getattr(self.focused, "id", None)
        option = next((option for option in OPTIONS if option.name == name), None)
        words = f"{option.help}; {option.bounds}" if option else "a turn before all others; empty for none"
        self._say(Row(words, "dim"))

    def action_move(self, way: int) -> None:
        """The next field or the one before."""
        self.focus_next(Input) if way > 0 else self.focus_previous(Input)

    def action_apply(self) -> None:
        """Take the values, unless one of them is wrong."""
        typed = {option.name: self.query_one(f"#{option.name}", Input).value for option in OPTIONS}
        try:
            self._conversation.sampling = changed(self._conversation.sampling, typed)
        except Problem as problem:
            self.query_one(f"#{problem.where}", Input).focus()
            self.call_after_refresh(self._say, Row(one_line(f"{problem.what} {problem.why}"), "bad"))
            return
        self._conversation.system = self.query_one(f"#{_SYSTEM}", Input).value.strip()
        self.dismiss(None)

    def _say(self, row: Row) -> None:
        self.query_one("#word", Lines).show([Row(), row])


def _field(name: str, value: str) -> ComposeResult:
    line = Line(value, id=name, compact=True)
    line.cursor_blink = False
    with Horizontal():
        yield Lines([Row(name.ljust(_LABEL), "dim")], classes="name")
        yield line
