"""The frame of every dialogue: a title, what it holds, and a last line with its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.binding import Binding
from textual.screen import ModalScreen

from openlora_tui.widgets.painted import Painted, Row, between

if TYPE_CHECKING:
    from openlora_tui.host import Host
    from openlora_tui.session import Change

Result = TypeVar("Result")


class Dialogue(ModalScreen[Result], Generic[Result]):
    """Closes on escape; a page dialogue covers the whole screen."""

    BINDINGS: ClassVar = [Binding("escape", "close", show=False)]
    PAGE: ClassVar[bool] = False
    ready = False
    """True once the widgets are there to be painted."""

    def __init__(self) -> None:
        super().__init__(classes="-page" if self.PAGE else None)

    @property
    def tui(self) -> Host:
        """The app, by its own type."""
        return cast("Host", self.app)

    def on_mount(self) -> None:
        """From here on the dialogue can be painted."""
        self.ready = True

    def pressed(self, *ids: str) -> str:
        """The keys of some actions, for the last line."""
        return " ".join(self.tui.keymap.shown(id) for id in ids)

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """Most dialogues stay as they are while a run goes on."""


class Lines(Painted):
    """A few fixed rows."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(self, rows: list[Row], *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._fixed = rows

    def show(self, rows: list[Row]) -> None:
        """Other rows; the height follows."""
        taller = len(rows) != len(self._fixed)
        self._fixed = rows
        if taller:
            self.refresh(layout=True)
        self.repaint()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line for each row."""
        return len(self._fixed)

    def rows(self, width: int, height: int) -> list[Row]:
        """The rows as they are."""
        return self._fixed


class Foot(Painted):
    """The keys of a dialogue; where they do not fit, the last stays, which closes it."""

    DEFAULT_CSS = "Foot { height: 1; }"

    def __init__(self, *pairs: tuple[str, str]) -> None:
        super().__init__()
        self._pairs = pairs

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        *others, last = self._pairs
        while others and keys(*others, last).width > width:
            others.pop()
        return [keys(*others, last)]


class Title(Painted):
    """The title of a dialogue, with a remark at its right end."""

    DEFAULT_CSS = "Title { height: 2; }"

    def __init__(self, title: str, remark: str = "") -> None:
        super().__init__()
        self.title, self.remark = title, remark

    def rows(self, width: int, height: int) -> list[Row]:
        """One row and a blank one."""
        return [between(Row(self.title, "bright"), Row(self.remark, "dim"), width)]


def keys(*pairs: tuple[str, str]) -> Row:
    """The last line of a dialogue."""
    row = Row()
    for key, label in pairs:
        row.add("   " if row.width else "").add(key, "bold accent").add(f" {label}", "dim")
    return row
