"""Jump mode: a letter on each thing that can be gone to, in reading order; pressing it goes there."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from openlora_tui.modals.dialogue import Dialogue
from openlora_tui.widgets.jumps import Jumpable, Target
from openlora_tui.widgets.painted import Painted, Row

# The middle row first: it is under the fingers on most keyboards.
_LETTERS: Final = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM"


def targets(screen: Screen[Any]) -> list[Target]:
    """All that can be seen and gone to, in reading order."""
    found: list[Target] = []
    for widget in screen.query("*"):
        if not _seen(screen, widget):
            continue
        at = widget.region
        if isinstance(widget, Jumpable):
            found += [Target(at.x + one.x, at.y + one.y, one.go) for one in widget.jump_targets()]
        elif widget.focusable:
            found.append(Target(at.x, at.y, widget.focus))
        elif isinstance(widget, Painted) and widget.JUMP:
            found.append(Target(at.x, at.y, partial(widget.tui.action_do, widget.JUMP)))
    return sorted(found, key=lambda one: (one.y, one.x))[: len(_LETTERS)]


def _seen(screen: Screen[Any], widget: Widget) -> bool:
    return bool(widget.display and widget.visible and widget.region and screen.region.overlaps(widget.region))


class Letter(Painted):
    """One label, over what it leads to."""

    DEFAULT_CSS = "Letter { position: absolute; width: 3; height: 1; background: $ol-accent; }"

    def __init__(self, letter: str, at: tuple[int, int]) -> None:
        super().__init__()
        self._letter = letter
        self.styles.offset = at

    def rows(self, width: int, height: int) -> list[Row]:
        """The letter, with a blank on either side."""
        return [Row(f" {self._letter} ", "bold background on accent")]


class Jump(Dialogue[Target | None]):
    """Gives the target whose letter was pressed; any other key closes it."""

    DEFAULT_CSS = "Jump { background: transparent; align: left top; }"

    def __init__(self, found: list[Target]) -> None:
        super().__init__()
        self._found = dict(zip(_LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        """A label for each target, and a word at the foot."""
        for letter, target in self._found.items():
            yield Letter(letter, (min(target.x, self.app.size.width - 3), target.y))

    def on_key(self, event: events.Key) -> None:
        """Go where the letter leads."""
        event.stop()
        self.dismiss(self._found.get(event.character or ""))
