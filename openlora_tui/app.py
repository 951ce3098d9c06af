"""The app: it drains the engine by a timer, folds, and lets the screen that is seen paint once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual.binding import Binding

from engine import messages as ms
from engine.problem import Problem
from engine.run_state import ENDED
from engine.text import one_line
from openlora_tui import actions, themes
from openlora_tui.engine_link import EngineLink
from openlora_tui.glyphs import ASCII, UNICODE
from openlora_tui.modals.dialogue import Dialogue
from openlora_tui.run_actions import RunActions
from openlora_tui.screens.place import Place
from openlora_tui.screens.runs import RunsScreen
from openlora_tui.session import Change, Session
from openlora_tui.widgets.machine import moved

if TYPE_CHECKING:
    from openlora_tui.screens.train import TrainScreen

_TICK: Final = 0.1
_NUMBERS: Final = 5
"""Ticks between two paintings of numbers; charts and logs come half as often, a quarter over SSH."""
_TERMINAL_CHECK: Final = 5.0


def _train_screen() -> Place:
    """Imported when it is first gone to: the first paint needs no chart."""
    from openlora_tui.screens.train import TrainScreen

    return TrainScreen()


class OpenLoraApp(RunActions):
    """Holds what is known, runs actions, and paints nothing itself."""

    CSS_PATH = "app.tcss"
    TITLE = "OpenLoRA"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar = {"runs": RunsScreen, "train": _train_screen}
    DEFAULT_MODE = "runs"
    NOTIFICATION_TIMEOUT = 6
    BINDINGS: ClassVar = [
        *actions.bindings("app"),
        Binding("ctrl+q", "do('leave')", show=False, priority=True),
    ]

    def __init__(
        self,
        connect: Callable[[], EngineLink],
        *,
        clock: Callable[[], float] = time.time,
        theme: str = themes.DEFAULT,
        ascii_only: bool = False,
        folder: Path | None = None,
        slow: bool = False,
    ) -> None:
        self.looks, self._mistakes = themes.shipped()
        super().__init__()
        self.session = Session()
        self.clock = clock
        self.glyphs = ASCII if ascii_only else UNICODE
        self.folder = folder or Path.cwd()
        self._connect = connect
        self._wanted_theme = theme
        self._curves = _NUMBERS * (4 if slow else 2)
        self._ticks = 0
        self._dirty: set[Change] = set()
        self._machine_shown: ms.Machine | None = None
        self.set_class(ascii_only, "-ascii")
        for look in self.looks.values():
            self.register_theme(look.textual())
        self.theme = theme if theme in self.looks else themes.DEFAULT

        self.fault: BaseException | None = None
        """What ended the app, if it was not a person."""

    # --- looks ---

    @property
    def look(self) -> themes.Look:
        """The colours now."""
        return self.looks.get(self.theme) or self.looks[themes.DEFAULT]

    @property
    def spinner(self) -> str:
        """One cell that turns twice a second while a run works, by the clock."""
        return self.glyphs.spinner[int(self.clock() * 2) % len(self.glyphs.spinner)]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours, for the style sheets, whatever theme is set."""
        return {f"ol-{role}": colour for role, colour in self.look.colours.items()}

    # --- life ---

    def on_mount(self) -> None:
        """Paint first; all that takes time comes after."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.run_worker(self._open, thread=True, exit_on_error=False, group="open")
        self.set_interval(_TICK, self.tick)
        self.set_interval(_TERMINAL_CHECK, self._check_terminal)

    def _open(self) -> None:
        """In a thread: what opening the link imports would stop the keyboard for a moment."""
        looks, mistakes = themes.own()
        self.call_from_thread(self._add_themes, looks, mistakes)
        try:
            link = self._connect()
        except Problem as problem:
            self.session.trouble = str(problem)
            self.call_from_thread(self._paint, {"link"}, True)
            return
        self.call_from_thread(self.session.open, link)

    def _add_themes(self, looks: dict[str, themes.Look], mistakes: list[str]) -> None:
        self.looks |= looks
        for look in looks.values():
            self.register_theme(look.textual())
        if self._wanted_theme in self.looks:
            self.theme = self._wanted_theme
        else:
            mistakes = [
                *mistakes,
                f"There is no theme {self._wanted_theme}; there are {', '.join(self.looks)}.",
            ]
        mistakes = [*self._mistakes, *mistakes]
        if mistakes:
            self.tell("\n".join(one_line(mistake) for mistake in mistakes))

    def _check_terminal(self) -> None:
        """A vanished terminal ends the app: reading from it would spin."""
        if not self.is_headless and not os.isatty(0):
            self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Keep the fault for the log file; in tests Textual raises it again."""
        if self.fault is None:
            self.fault = getattr(error, "error", error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Leave without printing a traceback: the start script writes it to a file."""
        self._close_messages_no_wait()

    def on_unmount(self) -> None:
        """Say goodbye; the engine and its runs go on."""
        if self.session.link is not None:
            self.session.link.close()

    # --- the tick ---

    def tick(self) -> None:
        """Take in what has come and, at the rhythm of the kind, let the screen paint it."""
        self._ticks += 1
        changes = self.session.drain()
        for note in self.session.untold_notes():
            self.tell(one_line(note))
        if "machine" in changes and not self._machine_matters():
            changes.discard("machine")
        self._dirty |= changes
        at_once = bool(changes & {"link", "status"})
        on_beat = self._ticks % _NUMBERS == 0
        curves = at_once or self._ticks % self._curves == 0
        live = on_beat and any(row.status not in ENDED for row in self.session.rows.values())
        if at_once or (on_beat and (self._dirty or live)):
            self._paint(set(self._dirty), curves)
            self._dirty = set() if curves else {change for change in self._dirty if change == "run"}

    def _machine_matters(self) -> bool:
        """While nothing runs, only a marked change of the machine is worth the bytes."""
        machine = self.session.machine
        if machine is None:
            return False
        if not self.session.live and not moved(self._machine_shown, machine):
            return False
        self._machine_shown = machine
        return True

    def _paint(self, changes: set[Change], curves: bool) -> None:
        screen = self.screen
        if isinstance(screen, (Place, Dialogue)) and screen.ready:
            with self.batch_update():
                screen.paint_live(changes, curves=curves)

    # --- actions ---

    def facts(self) -> actions.Facts:
        """What decides which actions are available now."""
        session, place = self.session, self.current_mode
        state = session.state
        row = session.rows.get(session.watched) or next(iter(session.newest_first()), None)
        screen = self._screen_stack[0] if self._screen_stack else None
        if isinstance(screen, RunsScreen):
            row = screen.selected
        train = cast("TrainScreen", screen) if place == "train" and isinstance(screen, Place) else None
        return actions.Facts(
            place=place,
            trouble="" if session.connected else session.trouble or "The engine is not connected.",
            row=row,
            marks=len(train.chart.marks) if train is not None and train.ready else 0,
            samples=len(state.samples) if state else 0,
            findings=len(state.findings) if state else 0,
            marking=train is not None and train.ready and train.marking,
        )

    def action_do(self, id: str) -> None:
        """Run an action of the registry, or say why it does nothing now."""
        action = actions.BY_ID[id]
        why = action.needs(self.facts())
        if why:
            self.tell(why)
            return
        for owner in (self.screen, self):
            handler = getattr(owner, f"do_{id}", None)
            if handler is not None:
                handler()
                return

    def do_runs(self) -> None:
        """Go to the list."""
        self.switch_mode("runs")

    def do_train(self) -> None:
        """Go to the open run, else open the selected one."""
        if self.session.watched in self.session.rows:
            self.switch_mode("train")
        else:
            self.do_open()

    def do_open(self) -> None:
        """Open the selected run."""
        row = self.facts().row
        if row is not None:
            self.open_run(row.run)

    def open_run(self, run: str) -> None:
        """Show a run in Train."""
        if run != self.session.watched:
            self.session.watch(run)
            for screen in self._screen_stacks.get("train", []):
                if isinstance(screen, Place):
                    screen.reset()
        self.switch_mode("train")

    def do_theme(self) -> None:
        """The next theme."""
        names = sorted(self.looks)
        self.theme = names[(names.index(self.look.name) + 1) % len(names)]
        self._wanted_theme = self.theme

    def do_hint(self) -> None:
        """Say what ctrl+c does not do."""
        self.tell("ctrl+c does nothing here. q goes back, ctrl+q quits, S stops a run.")

    def action_help_quit(self) -> None:
        """Textual's own way to ctrl+c ends in the same hint."""
        self.do_hint()

    async def action_quit(self) -> None:
        """Textual's own way to quit asks as well."""
        self.action_do("leave")

    def do_help(self) -> None:
        """The keys, those of this place first."""
        from openlora_tui.modals.readers import Help

        place = self.current_mode
        if place == "runs":
            self.push_screen(Help(["runs", "run", "find", "move"], "Runs"))
        else:
            self.push_screen(Help(["train", "run"], "Train"))

    def do_palette(self) -> None:
        """Every action by name."""
        from openlora_tui.modals.palette import palette

        self.push_screen(palette(self.facts()), lambda id: self.action_do(id) if id else None)
