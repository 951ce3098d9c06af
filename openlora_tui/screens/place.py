"""What the places of the app share: their frame, their breakpoints, and how they are painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events
from textual.geometry import Size
from textual.screen import Screen

from openlora_tui.widgets.bars import KeyBar, TopBar

if TYPE_CHECKING:
    from engine.findings import Finding, Patch
    from engine.messages import RunRow
    from openlora_tui.advice import Advice
    from openlora_tui.host import Host
    from openlora_tui.session import Change
    from openlora_tui.widgets.advisor_view import AdvisorView


_WIDTHS: Final = [(0, "-thin"), (60, "-narrow"), (110, "-wide"), (160, "-vast")]
_HEIGHTS: Final = [(0, "-flat"), (16, "-low"), (32, "-tall")]
_ROOMY: Final = 110
"""Columns from which on the advisor stands beside a place."""
_PANES: Final = ((0, 42), (160, 52))
"""Columns that it takes, by the columns of the terminal."""


class Place(Screen[None]):
    """A screen of `actions.places`; `do_...` methods run its actions."""

    TABLES: ClassVar[tuple[str, ...]] = ()
    """The tables of the actions that it binds, its own first."""

    # Textual declares these as variables of the instance, which rules out ClassVar.
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    ready = False
    """True once the widgets are there to be painted."""
    _pane: AdvisorView | None = None

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
        self.make_room()

    def paint_bars(self) -> None:
        """The first and the last line, and the advisor, which has a word on all that a place shows."""
        self.query_one(TopBar).repaint()
        self.query_one(KeyBar).repaint()
        if self._pane is not None and self._pane.display:
            self._pane.paint()

    # --- the advisor beside it ---

    def advice(self) -> Advice:
        """What the advisor has to say of what is shown here."""
        return self.tui.advising.of_run(self.row)

    def takes(self, patch: Patch, finding: Finding | None) -> bool:
        """Apply a patch in this place's own way; False where it has none."""
        return False

    def takes_back(self, finding: Finding) -> None:
        """Take back a dismissal of this place's own."""

    def advised(self) -> None:
        """The advisor has found something out."""

    @property
    def step_meant(self) -> int | None:
        """The step that a person points at."""
        return None

    @property
    def roomy(self) -> bool:
        """True where the advisor fits beside the place."""
        return self.size.width >= _ROOMY

    @property
    def pane_focused(self) -> bool:
        """True while keys go to the advisor."""
        pane, focused = self._pane, self.focused
        return pane is not None and focused is not None and pane in focused.ancestors

    def focus_pane(self) -> None:
        """Keys go to the advisor."""
        if self._pane is not None:
            self._pane.call_after_refresh(lambda: self._pane and self._pane.listed.focus())

    def leave_pane(self) -> None:
        """Keys go to the place again."""
        self.set_focus(next(iter(self.query(self.AUTO_FOCUS)), None) if self.AUTO_FOCUS else None)
        self.paint_bars()

    def on_resize(self, event: events.Resize) -> None:
        """Before the breakpoints are looked at: the advisor takes some of the width, or has none."""
        self.make_room(event.size)

    def make_room(self, size: Size | None = None) -> None:
        """Show the advisor beside the place where it is open and fits; the place goes by what is left."""
        size = size or self.app.size
        beside = self.tui.advisor_open and size.width >= _ROOMY and size.height >= _HEIGHTS[1][0]
        if beside and self._pane is None:
            from openlora_tui.widgets.advisor_view import AdvisorView

            self._pane = AdvisorView(id="advisor")
            self.mount(self._pane)
        taken = next(taken for width, taken in reversed(_PANES) if size.width >= width) if beside else 0
        if self._pane is not None and self._pane.display != beside:
            if not beside and self.pane_focused:
                self.leave_pane()
            self._pane.display = beside
        if self._pane is not None:
            self._pane.styles.width = taken
        self.HORIZONTAL_BREAKPOINTS = [(width + taken * (width > 60), name) for width, name in _WIDTHS]
        fit = [name for width, name in self.HORIZONTAL_BREAKPOINTS if size.width >= width][-1]
        self.update_classes({name: name == fit for _, name in _WIDTHS}, animate=False)
        if self.ready:
            self.call_after_refresh(self.paint_all)
