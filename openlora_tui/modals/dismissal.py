"""Asks why a finding is put aside, and how far that reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from engine.findings import Finding
from engine.remarks import Scope
from engine.text import one_line
from openlora_tui.modals.dialogue import Dialogue, Lines, Title, keys
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped

REACH: Final[dict[Scope, str]] = {
    "run": "only here",
    "dataset": "every run on the same data",
    "model": "every run of the same model",
    "always": "never show it again",
}
_WIDE: Final = 62


class Dismissing(msgspec.Struct, frozen=True):
    """What a person said."""

    scope: Scope
    reason: str


class Dismissal(Dialogue[Dismissing | None]):
    """Gives the scope and the reason; None where it was closed.

    Args:
        finding: what is put aside.
        scopes: how far it may reach, the narrowest first.
    """

    DEFAULT_CSS = """
    Dismissal #reason { height: 1; }
    Dismissal #why { width: 10; height: 1; }
    Dismissal Line { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("enter", "choose", show=False, priority=True),
    ]

    def __init__(self, finding: Finding, scopes: Sequence[Scope] = tuple(REACH)) -> None:
        super().__init__()
        self._finding, self._scopes = finding, scopes

    def compose(self) -> ComposeResult:
        """What it is, the reason, the scope."""
        about = [Row(line, "dim") for line in wrapped(one_line(self._finding.title), _WIDE)]
        with Vertical(id="frame"):
            yield Title("Put this finding aside?")
            yield Lines([*about, Row()])
            with Horizontal(id="reason"):
                yield Lines([Row("reason", "dim")], id="why")
                line = Line(placeholder="why it does not matter", compact=True, select_on_focus=False)
                line.cursor_blink = False
                yield line
            yield Lines([Row()])
            yield PickList(id="scopes")
            yield Lines([Row(), keys(("enter", "put aside"), ("up down", "how far"), ("esc", "cancel"))])

    def on_mount(self) -> None:
        """The narrowest scope is under the cursor; a reason can be typed at once."""
        super().on_mount()
        scopes = self.query_one(PickList)
        scopes.styles.height = len(self._scopes)
        scopes.can_focus = False
        scopes.show([Item(scope, _row(scope)) for scope in self._scopes])
        self.query_one(Line).focus()

    def action_move(self, way: int) -> None:
        """Another scope, while the reason is typed."""
        scopes = self.query_one(PickList)
        if way > 0:
            scopes.action_down()
        else:
            scopes.action_up()

    def action_choose(self) -> None:
        """Put aside."""
        current = self.query_one(PickList).current
        if current is not None:
            scope = next(scope for scope in self._scopes if scope == current.key)
            self.dismiss(Dismissing(scope, one_line(self.query_one(Line).value)))


def _row(scope: Scope) -> Callable[[int], Row]:
    name = {"run": "this run", "dataset": "this data", "model": "this model", "always": "always"}[scope]
    return lambda width: Row(name.ljust(14), "bold text").add(REACH[scope], "dim")
