"""What a patch would change in the recipe, and the ways to have it changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.findings import Patch
from engine.text import one_line
from openlora_tui.modals.ask import Choice
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.recipe_diff import RecipeDiff, helped
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped

_ROLES: Final = {"-": "bad", "+": "ok", " ": "dim", "@": "faint"}
_MEANS: Final = {
    "safe": "going on from a checkpoint learns what it would have learnt",
    "changes": "going on from a checkpoint goes on with other mathematics, and says so",
    "refused": "no run can go on from its checkpoint with this changed; a new one begins anew",
}


class ApplyPatch(Dialogue[str | None]):
    """Gives the id of the chosen way, None where it was closed.

    Args:
        patch: what is proposed.
        diff: what it makes of the recipe.
        ways: how it can be had, the likeliest first.
        note: what is said beside them.
    """

    PAGE = True
    AUTO_FOCUS = "#ways"
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("enter", "choose", show=False, priority=True),
        Binding("tab", "app.focus_next", show=False),
    ]

    def __init__(self, patch: Patch, diff: RecipeDiff, ways: Sequence[Choice], note: str = "") -> None:
        super().__init__()
        self._patch, self._diff, self._ways, self._note = patch, diff, ways, note

    def compose(self) -> ComposeResult:
        """The change above, the ways below."""
        with Vertical(id="frame"):
            yield Title("A change to the recipe", one_line(self._patch.label, 60))
            yield Page(self._write)
            yield Lines([Row()])
            yield PickList(id="ways")
            yield Lines([Row()])
            yield Foot(("enter", "do it"), (self.pressed("down", "up"), "another way"),
                       ("tab", "into the change"), ("esc", "cancel"))  # fmt: skip

    def on_mount(self) -> None:
        """The likeliest way is under the cursor."""
        super().on_mount()
        ways = self.query_one(PickList)
        ways.styles.height = len(self._ways)
        ways.show([Item(way.id, _row(way)) for way in self._ways])
        ways.focus()

    def _write(self, width: int) -> list[Row]:
        rows: list[Row] = []
        for sign, line in self._diff.lines:
            role = _ROLES[sign]
            text = "…" if sign == "@" else line
            rows += [
                Row(f"{sign if sign != '@' else ' '} ", role).add(part, role)
                for part in wrapped(text, width - 2)
            ]
        if self._diff.empty:
            rows.append(Row("The recipe says so already.", "dim"))
        rows.append(Row())
        for name, means in self._diff.means:
            rows.append(Row(name, "bright"))
            rows += [Row("  ").add(line) for line in wrapped(helped(name), width - 2)]
            rows += [Row("  ").add(line, "dim") for line in wrapped(_MEANS[means], width - 2)]
        if self._note:
            rows += [Row(), *(Row(line, "warn") for line in wrapped(self._note, width))]
        return rows

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        self.dismiss(event.item.key)

    def action_choose(self) -> None:
        """Have it done in the way under the cursor."""
        current = self.query_one(PickList).current
        if current is not None:
            self.dismiss(current.key)


def _row(choice: Choice) -> Callable[[int], Row]:
    return lambda width: Row(choice.label.ljust(22), f"bold {choice.role}").add(choice.help, "dim")
