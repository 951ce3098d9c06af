"""A question with a few answers, of which the safe one is under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped


@dataclass(frozen=True)
class Choice:
    """One answer."""

    id: str
    label: str
    help: str
    role: str = "text"


class Ask(Dialogue[str | None]):
    """Gives the id of the chosen answer, None where it was closed."""

    BINDINGS: ClassVar = [Binding("q,n", "close", show=False), Binding("enter", "choose", show=False)]

    def __init__(self, title: str, text: str, choices: list[Choice]) -> None:
        super().__init__()
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        """The question, then its answers."""
        body = [Row(line) for line in wrapped(self._text, 62)]
        with Vertical(id="frame"):
            yield Title(self._title)
            yield Lines([*body, Row()])
            yield PickList(id="answers")
            yield Lines(
                [Row(), keys(("enter", "choose"), (self.pressed("down", "up"), "move"), ("esc", "cancel"))],
                classes="foot2",
            )

    def on_mount(self) -> None:
        """List the answers, the first under the cursor."""
        answers = self.query_one(PickList)
        answers.styles.height = len(self._choices)
        answers.show([Item(choice.id, _written(choice)) for choice in self._choices])
        answers.focus()

    def action_choose(self) -> None:
        """Give the answer under the cursor."""
        current = self.query_one(PickList).current
        if current is not None:
            self.dismiss(current.key)

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        self.dismiss(event.item.key)


def _written(choice: Choice) -> Callable[[int], Row]:
    return lambda width: Row(choice.label.ljust(18), f"bold {choice.role}").add(choice.help, "dim")
