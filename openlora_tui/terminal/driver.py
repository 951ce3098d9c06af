"""Textual's driver, for a terminal that may be slow, may be taken away for a while, and may vanish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from openlora_tui.terminal.incoming import Incoming
from openlora_tui.terminal.outgoing import Outgoing
from openlora_tui.terminal.pace import ANSWER, PATIENCE, QUESTION, Pace
from openlora_tui.terminal.surroundings import reads_utf8

if TYPE_CHECKING:
    from textual.app import App

_LEAVE: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
_PATIENCE: Final = 10.0
"""Seconds after which the process ends, whatever hinders the app from leaving in order."""
_LAST_ANSWER: Final = 1.0
_LOOK: Final = 0.1
"""Seconds between two looks at whether the input is still wanted."""


class Sitter(Protocol):
    """What the driver asks of the app."""

    @property
    def leaving(self) -> bool:
        """True once the app is about to end."""

    def leave_by(self, number: int) -> None:
        """End in order, as a signal asks."""

    def hold(self) -> None:
        """Paint no more until `unhold`."""

    def unhold(self) -> None:
        """Paint what is current."""


class TerminalDriver(LinuxDriver):
    """Writes without waiting, reads what is whole, and answers signals between two turns of the loop.

    Textual's own handlers act inside whatever the main thread was doing, take every SIGCONT for the end
    of a ctrl+z, and know nothing of a terminal that ends; its writes wait for the terminal.
    """

    _app: Sitter  # type: ignore[assignment]

    def __init__(
        self, app: App[None], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        heard = [number for number in _LEAVE if signal.getsignal(number) != signal.SIG_IGN]
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._screen = sys.__stdout__.fileno() if sys.__stdout__ else 1
        self._out: Outgoing | None = None
        self._pace = Pace()
        self._timer: asyncio.TimerHandle | None = None
        self._away = False
        for number in heard:
            self._loop.add_signal_handler(number, self._leave, number)
        self._loop.add_signal_handler(signal.SIGTSTP, self._stop)
        self._loop.add_signal_handler(signal.SIGCONT, self._go_on)

    # --- what goes out ---

    def write(self, data: str) -> None:
        """Queue text; where the terminal lags behind, the app paints no more until it has caught up."""
        if self._out is None:
            return
        now = time.monotonic()
        self._out.write(data + QUESTION if self._pace.sends(len(data), now) else data)
        if self._behind():
            self._app.hold()
            self._look_again()

    def _behind(self) -> bool:
        return (self._out is not None and self._out.behind()) or self._pace.behind(time.monotonic())

    def _settle(self) -> None:
        """Let the app paint again, as soon as nothing speaks against it any more."""
        if self._behind():
            self._look_again()
        else:
            self._app.unhold()

    def _look_again(self) -> None:
        """An answer may never come."""
        if self._timer is None:
            self._timer = self._loop.call_later(PATIENCE, self._looked)

    def _looked(self) -> None:
        self._timer = None
        self._settle()

    def _answered(self) -> None:
        self._pace.answered()
        self._settle()

    def start_application_mode(self) -> None:
        """Take the terminal, as soon as it is this program's to take."""
        self._wait_for_the_foreground()
        self._pace = Pace()
        self._out = Outgoing(
            self._screen,
            utf8=reads_utf8(),
            caught_up=lambda: self._soon(self._settle),
            gone=self._gone,
        )
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._key_thread is None or not self._key_thread.is_alive():
            self._gone()

    def stop_application_mode(self) -> None:
        """Give the terminal back; an answer that comes later would be typed into the shell."""
        self._pace.wait(_LAST_ANSWER)
        super().stop_application_mode()

    def close(self) -> None:
        """Send what is left."""
        super().close()
        if self._out is not None:
            self._out.close()
            self._out = None
        self._app.unhold()

    def _get_terminal_size(self) -> tuple[int, int]:
        """The terminal's own word, whatever COLUMNS and LINES said at the start."""
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self._screen)
            if columns and rows:
                return columns, rows
        return 80, 24

    # --- what comes in ---

    def run_input_thread(self) -> None:
        """Parse what comes until it is not wanted any more, or the terminal has gone."""
        parser, incoming = XTermParser(self._debug), Incoming()
        while not self.exit_event.is_set():
            try:
                came = self._read()
            except OSError:
                self._gone()
                return
            now = time.monotonic()
            text = incoming.take(came, now) if came else incoming.overdue(now)
            if ANSWER in text:
                text = text.replace(ANSWER, "")
                self._pace.heard()
                self._soon(self._answered)
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)

    def _read(self) -> bytes:
        """What has come by now, and nothing where nothing has; OSError at the terminal's end."""
        if not select.select([self.fileno], [], [], _LOOK)[0]:
            return b""
        try:
            data = os.read(self.fileno, 1 << 12)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError("the terminal has gone")
        return data

    def _gone(self) -> None:
        self._soon(lambda: self._leave(signal.SIGHUP))

    def _leave(self, number: signal.Signals) -> None:
        if not self._app.leaving:
            last = threading.Timer(_PATIENCE, os._exit, [128 + number])
            last.daemon = True
            last.start()
        self._app.leave_by(number)

    def _soon(self, call: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may have ended by now
            self._loop.call_soon_threadsafe(call)

    # --- job control ---

    @property
    def can_come_back(self) -> bool:
        """True where a shell is there to continue what it has stopped."""
        try:
            return os.getsid(os.getppid()) == os.getsid(0) and os.getpgid(os.getppid()) != os.getpgrp()
        except OSError:
            return False

    @contextlib.contextmanager
    def no_automatic_restart(self) -> Iterator[None]:
        """While another program has the terminal, a stop is a stop as for any program."""
        self._loop.remove_signal_handler(signal.SIGTSTP)
        try:
            with super().no_automatic_restart():
                yield
        finally:
            self._loop.add_signal_handler(signal.SIGTSTP, self._stop)

    def _stop(self) -> None:
        if not self.can_come_back or self._app.leaving:
            return
        self.suspend_application_mode()
        self._away = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _go_on(self) -> None:
        """Take the terminal again, also after a stop that nobody was asked about."""
        if self._app.leaving:
            return
        self._wait_for_the_foreground()
        if not self._away:
            self.suspend_application_mode()
        self._away = False
        self._must_signal_resume = True
        self.start_application_mode()

    def _wait_for_the_foreground(self) -> None:
        while self._in_background():
            os.kill(os.getpid(), signal.SIGSTOP)

    def _in_background(self) -> bool:
        try:
            return os.tcgetpgrp(self.fileno) != os.getpgrp()
        except OSError:
            return False
