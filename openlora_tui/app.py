"""The app: it drains the engine by a timer, folds, and lets the screen that is seen paint once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events
from textual.widgets import Input

from engine import messages as ms
from engine.problem import Problem
from engine.text import one_line
from openlora_tui import actions, keymap
from openlora_tui.actions.places import BY_MODE, PLACES, neighbour
from openlora_tui.advisor_actions import AdvisorActions
from openlora_tui.announcer import Announcer
from openlora_tui.engine_link import EngineLink
from openlora_tui.glyphs import ASCII, UNICODE
from openlora_tui.modals.dialogue import Dialogue
from openlora_tui.screens.place import Place
from openlora_tui.session import Change, Session
from openlora_tui.themes import Look
from openlora_tui.wardrobe import Depth, Wardrobe, depth
from openlora_tui.widgets.machine import moved

if TYPE_CHECKING:
    from openlora_tui.screens.chat import ChatScreen

_TICK: Final = 0.1
_NUMBERS: Final = 5
"""Ticks between two paintings of numbers; charts and logs come half as often, a quarter over SSH."""


class OpenLoraApp(AdvisorActions):
    """Holds what is known, runs actions, and paints nothing itself."""

    # The first screen's styles too: a screen that brings its own has all of them parsed again.
    CSS_PATH: ClassVar = ["app.tcss", "screens/runs.tcss"]
    TITLE = "OpenLoRA"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar = {place.mode: place.open for place in PLACES}
    DEFAULT_MODE = "runs"
    NOTIFICATION_TIMEOUT = 6
    BINDINGS: ClassVar = actions.bindings("app")

    def __init__(
        self,
        connect: Callable[[], EngineLink],
        *,
        clock: Callable[[], float] = time.time,
        theme: str = "",
        keys: str = "",
        colours: Depth | None = None,
        ascii_only: bool = False,
        folder: Path | None = None,
        slow: bool = False,
        readonly: bool = False,
        bell: bool = True,
        first: str = "",
    ) -> None:
        colours = colours or depth(os.environ)
        # Textual drops colours only where the theme speaks the terminal's own; else it would send greys.
        super().__init__(ansi_color=True if colours == "none" else None)
        self.wardrobe = Wardrobe(self, self.tell, theme, colours)
        self.session = Session()
        self.clock = clock
        self.glyphs = ASCII if ascii_only else UNICODE
        self.folder = folder or Path.cwd()
        self.readonly = readonly
        self.announcer = Announcer(
            self.write_terminal,
            self.bell if bell else lambda: None,
            term=os.environ.get("TERM", ""),
            dot=self.glyphs.dot,
        )
        self.keymap, self._mistakes = keymap.load(keys)
        self.set_keymap(self.keymap.changes())
        self._keys = self.keymap.first_keys()
        self._connect = connect
        self._curves = _NUMBERS * (4 if slow else 2)
        self._first = first
        """An action to run once the engine hears us."""
        self._ticks = 0
        self._dirty: set[Change] = set()
        self._machine_shown: ms.Machine | None = None
        self.set_class(ascii_only, "-ascii")
        self.wardrobe.hang()

    # --- looks ---

    @property
    def look(self) -> Look:
        """The colours now."""
        return self.wardrobe.look

    @property
    def spinner(self) -> str:
        """One cell that turns twice a second while a run works, by the clock."""
        return self.glyphs.spinner[int(self.clock() * 2) % len(self.glyphs.spinner)]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours, for the style sheets, whatever theme is set."""
        return self.wardrobe.look.variables() if hasattr(self, "wardrobe") else {}

    # --- life ---

    def on_load(self) -> None:
        """Before any screen: a task begins in its turn, on every Python.

        From 3.12 on Textual has tasks begin at once, and a first screen with an Input ends the app
        (Textual's issue 6444).
        """
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        """Paint first; all that takes time comes after."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.wardrobe.watch()
        if self._mistakes:
            self.tell("\n".join(one_line(mistake) for mistake in self._mistakes))
        self.run_worker(self._open, thread=True, exit_on_error=False, group="open")
        self.set_interval(_TICK, self.tick)

    def _open(self) -> None:
        """In a thread: what opening the link imports would stop the keyboard for a moment."""
        try:
            link = self._connect()
        except Problem as problem:
            self.call_from_thread(self.leave_with, problem)
            return
        self.call_from_thread(self.session.open, link)
        self.restore_draft()

    def on_unmount(self) -> None:
        """Say goodbye; the engine and its runs go on."""
        self.close_draft()
        self.announcer.leave()
        if self.session.link is not None:
            self.session.link.close()

    # --- the tick ---

    def tick(self) -> None:
        """Take in what has come and, at the rhythm of the kind, let the screen paint it."""
        self._ticks += 1
        changes = self.session.drain()
        if self._first and self.session.connected and self.session.listed:
            first, self._first = self._first, ""
            self.action_do(first)
        for note in self.session.untold_notes():
            self.tell(one_line(note))
        if "machine" in changes and not self._machine_matters():
            changes.discard("machine")
        self._dirty |= changes
        at_once = bool(changes & {"link", "status"})
        on_beat = self._ticks % _NUMBERS == 0
        curves = at_once or self._ticks % self._curves == 0
        if on_beat and self.session.listed:
            self.announcer.hear(self.session.rows.values(), self.session.watched, self.clock())
        live = on_beat and self.session.working
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
        # While a place is gone to for the first time, there is no screen for a moment.
        screen = self._screen_stack[-1] if self._screen_stack else None
        if self.is_running and isinstance(screen, (Place, Dialogue)) and screen.ready:
            with self.batch_update():
                screen.paint_live(changes, curves=curves)

    # --- actions ---

    @property
    def place(self) -> Place | None:
        """The screen of the place that is open, under any dialogue; None until it can be asked."""
        screen = self._screen_stack[0] if self._screen_stack else None
        return screen if self.is_running and isinstance(screen, Place) and screen.ready else None

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of the actions that the open place binds."""
        return self.place.TABLES if self.place is not None else ()

    def facts(self) -> actions.Facts:
        """What decides which actions are available now."""
        session, place = self.session, self.place
        return actions.Facts(
            place=self.current_mode,
            pane="advisor" if place is not None and place.pane_focused else "",
            trouble="" if session.connected else session.trouble or "The engine is not connected.",
            row=place.row if place is not None else None,
            keys=self._keys,
        )

    def why_not(self, action: actions.Action, facts: actions.Facts | None = None) -> str:
        """Why an action does nothing now: watched only, no run, no engine, or what the place says."""
        facts = facts or self.facts()
        if action.changes and self.readonly:
            return "OpenLoRA was opened to watch only (--readonly)."
        if action.id in ("onward", "back_one"):
            return self._why_not_step(1 if action.id == "onward" else -1, facts)
        why = action.needs(facts)
        why = why or (self.place.why_not(action.id) if self.place is not None else "")
        return why or self.why_not_advise(action.id)

    def _why_not_step(self, way: int, facts: actions.Facts) -> str:
        if way > 0 and hasattr(self.place, "do_onward"):
            return self.place.why_not("onward") if self.place is not None else ""
        entry = neighbour(facts.place, way)
        if entry is None:
            return f"This is the {'last' if way > 0 else 'first'} place of the work."
        return entry.needs(facts)

    def on_key(self, event: events.Key) -> None:
        """A letter that was on its way here when a line to type into opened belongs to that line."""
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    def action_do(self, id: str) -> None:
        """Run an action of the registry, or say why it does nothing now."""
        why = self.why_not(actions.BY_ID[id])
        if why:
            self.tell(why)
            return
        for owner in (self.screen, self):
            handler = getattr(owner, f"do_{id}", None)
            if handler is not None:
                handler()
                return
        if id in BY_MODE:
            self.switch_mode(id)

    def do_onward(self) -> None:
        """The next place of the work."""
        self._step(1)

    def do_back_one(self) -> None:
        """The place before."""
        self._step(-1)

    def _step(self, way: int) -> None:
        entry = neighbour(self.current_mode, way)
        if entry is not None:
            self.action_do(entry.mode)

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
        self.watch_run(run)
        self.switch_mode("train")

    def watch_run(self, run: str) -> None:
        """Make a run the open one."""
        if run != self.session.watched:
            self.session.watch(run)
            for screen in self._screen_stacks.get("train", []):
                if isinstance(screen, Place):
                    screen.reset()

    def do_chat(self) -> None:
        """Talk to what the run left."""
        row = self.facts().row
        if row is not None:
            self.watch_run(row.run)
            self._chat_screen().open_run(row.run)

    def do_chat_model(self) -> None:
        """Talk to a model that a person picks."""
        from openlora_tui.modals.chat_with import chat_with

        self.push_screen(chat_with(self.folder, self.session.newest_first()), self._chat_with)

    def _chat_with(self, name: str | None) -> None:
        from engine.chat import target

        try:
            spec = target.of_name(name) if name is not None else None
        except Problem as problem:
            self.tell_problem(problem.as_dict())
            return
        if spec is not None:
            self._chat_screen().open_spec(spec)

    def _chat_screen(self) -> ChatScreen:
        self.switch_mode("chat")
        return cast("ChatScreen", self._screen_stacks["chat"][0])

    def do_theme(self) -> None:
        """The next theme, remembered."""
        self.wardrobe.choose(self.wardrobe.following())
        if self.wardrobe.colours == "none":
            self.tell("NO_COLOR is set, so there is one theme only; --theme NAME overrules it.")

    def do_themes(self) -> None:
        """All themes, each shown while it is under the cursor."""
        from openlora_tui.modals.theme_chooser import theme_chooser

        self.push_screen(theme_chooser(self.wardrobe), self._theme_chosen)

    def _theme_chosen(self, name: str | None) -> None:
        if name:
            self.wardrobe.choose(name)
        else:
            self.wardrobe.wear(self.wardrobe.wanted)

    def do_hint(self) -> None:
        """Say what ctrl+c does not do."""
        key = self.facts().key
        back, leave, stop = (key(id) for id in ("back", "leave", "stop"))
        self.tell(f"ctrl+c does nothing here. {back} goes back, {leave} quits, {stop} stops a run.")

    def action_help_quit(self) -> None:
        """Textual's own way to ctrl+c ends in the same hint."""
        self.do_hint()

    async def action_quit(self) -> None:
        """Textual's own way to quit asks as well."""
        self.action_do("leave")

    def do_help(self) -> None:
        """The keys, those of this place first."""
        from openlora_tui.modals.readers import Help, here

        place = BY_MODE[self.current_mode]
        self.push_screen(Help(self.tables, place.title, here(self.screen)))

    def do_doctor(self) -> None:
        """What this machine can do."""
        from openlora_tui.modals.doctor import Doctor

        self.push_screen(Doctor())

    def do_palette(self) -> None:
        """Every action by name."""
        from openlora_tui.modals.palette import palette

        self.push_screen(palette(self), self._picked)

    def _picked(self, value: str | None) -> None:
        """An action's id, or `kind:name` of something that has a `pick_kind`."""
        kind, colon, name = (value or "").partition(":")
        if colon:
            getattr(self, f"pick_{kind}")(name)
        elif kind:
            self.action_do(kind)

    def pick_run(self, run: str) -> None:
        """Open a run that was found by its name."""
        self.open_run(run)

    def pick_theme(self, name: str) -> None:
        """Wear a theme that was found by its name."""
        self.wardrobe.choose(name)

    def do_jump(self) -> None:
        """A letter on everything that can be gone to."""
        from openlora_tui.modals.jump import Jump, targets

        self.push_screen(Jump(targets(self.screen)), lambda target: target.go() if target else None)
