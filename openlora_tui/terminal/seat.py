"""The part of the app that sits at the terminal: gives it back when asked, and waits where it is slow."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from engine.problem import Problem
from openlora_tui.terminal.driver import TerminalDriver

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen


class Seat(App[None]):
    """What the driver asks of the app, and the app's own way to the terminal.

    Attributes:
        left_by: the number of the signal that ended the app; 0 if none did.
        fault: what ended the app, if it was neither a person nor a signal.
    """

    left_by = 0
    fault: BaseException | None = None
    _held: ExitStack | None = None
    _missed = False

    def get_driver_class(self) -> type[Driver]:
        """Ours on a terminal; what `TEXTUAL_DRIVER` names where a browser shows the app."""
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

    # --- leaving ---

    @property
    def leaving(self) -> bool:
        """True once the app is about to end."""
        return self._exit

    def leave_by(self, number: int) -> None:
        """End in order, as a signal asks."""
        self.left_by = self.left_by or number
        self.exit()

    def leave_with(self, problem: Problem) -> None:
        """End, because without what `problem` tells of nothing works."""
        self.fault = problem
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Keep the fault for the log file; in tests Textual raises it again."""
        if self.fault is None:
            self.fault = getattr(error, "error", error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Leave without printing a traceback: the start script writes it to a file."""
        self._close_messages_no_wait()

    # --- being away ---

    def do_suspend(self) -> None:
        """Hand the terminal back to the shell until `fg`; the whole job stops, as by a shell's ctrl+z."""
        if isinstance(self._driver, TerminalDriver) and self._driver.can_come_back:
            os.kill(0, signal.SIGTSTP)
        else:
            self.notify("There is no shell under this app to go back to.", markup=False)

    @on(Driver.SignalResume)
    def paint_anew(self) -> None:
        """Whatever another program has left on the terminal goes."""
        self.refresh(layout=True)

    def write_terminal(self, text: str) -> None:
        """Past the screen, to the terminal itself."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)

    # --- waiting for a slow terminal ---

    def hold(self) -> None:
        """Paint nothing for now; what changes meanwhile is painted once, as it is then."""
        if self._held is None:
            self._held = ExitStack()
            self._held.enter_context(self.batch_update())

    def unhold(self) -> None:
        """Paint what has changed since `hold`."""
        if self._held is None:
            return
        self._held.close()
        self._held = None
        if self._missed:
            self._missed = False
            self.refresh()
        for screen in self._screen_stack if self._screen_stacks.get(self.current_mode) else ():
            screen.check_idle()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Textual forgets a picture that it may not paint."""
        self._missed = self._missed or self._held is not None
        super()._display(screen, renderable)
