"""What the places of the app share: their frame, their breakpoints, and how they are painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual.screen import Screen

from openlora_tui.widgets.bars import KeyBar, TopBar

if TYPE_CHECKING:
    from engine.messages import RunRow
    from openlora_tui.host import Host
    from openlora_tui.session import Change


_WIDTHS: Final = [(0, "-thin"), (60, "-narrow"), (110, "-wide"), (160, "-vast")]
_HEIGHTS: Final = [(0, "-flat"), (16, "-low"), (32, "-tall")]


class Place(Screen[None]):
    """A screen of `actions.places`; `do_...` methods run its actions."""

    TABLES: ClassVar[tuple[str, ...]] = ()
    """The tables of the actions that it binds, its own first."""

    # Textual declares these as variables of the instance, which rules out ClassVar.
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    ready = False
    """True once the widgets are there to be painted."""

    def __init__(self) -> None:
        super().__init__()
        # A new screen is styled as it is mounted; without this Textual parses all styles once more for it.
        self._css_update_count = 0

    @property
    def tui(self) -> Host:
        """The app, by its own type."""
        return cast("Host", self.app)

    def on_mount(self) -> None:
        """From here on the screen can be painted."""
        self.ready = True

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """Paint what `changes` touch; charts and logs only where `curves`."""
        raise NotImplementedError

    def paint_all(self) -> None:
        """Paint everything, as after coming back."""
        if self.app.is_running:
            self.paint_live({"link", "rows", "machine", "run", "status"}, curves=True)

    @property
    def row(self) -> RunRow | None:
        """The run that actions are about: the open one, else the newest."""
        session = self.tui.session
        return session.rows.get(session.watched) or next(iter(session.newest_first()), None)

    def why_not(self, id: str) -> str:
        """Why an action of the place does nothing now; empty where it does something. Called once ready."""
        return ""

    def reset(self) -> None:
        """Forget what belonged to the run that was open before."""

    def on_screen_resume(self) -> None:
        """Catch up with what happened while the screen was hidden."""
        self.call_after_refresh(self.paint_all)

    def paint_bars(self) -> None:
        """The first and the last line."""
        self.query_one(TopBar).repaint()
        self.query_one(KeyBar).repaint()
