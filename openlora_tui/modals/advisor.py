"""The advisor on a screen of its own, where a pane beside the place would leave it no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from openlora_tui.modals.dialogue import Dialogue, Foot
from openlora_tui.widgets.advisor_view import AdvisorView

if TYPE_CHECKING:
    from openlora_tui.session import Change


class AdvisorPage(Dialogue[None]):
    """Everything that the pane shows."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("a,f12", "close", show=False, id="close_advisor"),
    ]

    def compose(self) -> ComposeResult:
        """The view, and its keys."""
        with Vertical(id="frame"):
            yield AdvisorView()
            yield Foot(
                (self.pressed("down", "up"), "move"),
                (self.pressed("evidence"), "evidence"),
                (self.pressed("apply_advice"), "apply"),
                (self.pressed("put_aside"), "put aside"),
                (self.pressed("ask_advisor"), "ask"),
                (self.pressed("to_chart"), "to chart"),
                ("esc", "close"),
            )

    def on_mount(self) -> None:
        """Keys go to the cards."""
        super().on_mount()
        self.query_one(AdvisorView).listed.focus()

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """What is found while it is open is shown."""
        self.query_one(AdvisorView).paint()
