"""Which theme is worn: asked for, remembered, or fit for the terminal; a user's own are read when saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final, Literal

from rich.console import Console
from textual.app import App

from engine.text import one_line
from openlora_tui import themes, ui_state

Depth = Literal["none", "16", "full"]
_LOOK_AGAIN: Final = 2.0
"""Seconds between two looks at the user's theme files."""


def depth(environment: Mapping[str, str]) -> Depth:
    """How many colours the terminal may be sent, by the rules of Rich and of no-color.org."""
    if environment.get("NO_COLOR"):
        return "none"
    terminal = Console(force_terminal=True, _environ={**environment, "NO_COLOR": ""})
    return {"standard": "16", None: "none"}.get(terminal.color_system, "full")  # type: ignore[return-value]


class Wardrobe:
    """All themes by name, and what wearing one means for the app."""

    def __init__(self, app: App[None], tell: Callable[[str], None], wanted: str, colours: Depth) -> None:
        self.looks, self._mistakes = themes.shipped()
        self.colours = colours
        self._app = app
        self._say = tell
        self.wanted = wanted or self._remembered() or self._fitting()
        """What a person has settled on; another may be worn while one is looked at."""
        self._worn = self.wanted if self.wanted in self.looks else self._fitting()
        self._stamp: object = None
        self.own: set[str] = set()
        """The names of the themes from the user's folder."""
        self._told: set[str] = set()

    @property
    def look(self) -> themes.Look:
        """What is worn."""
        return self.looks[self._worn]

    @property
    def offered(self) -> list[str]:
        """The themes that make sense here: without colours only those that need none."""
        names = sorted(self.looks, key=lambda name: (name in self.own, not name.startswith("openlora"), name))
        return names if self.colours != "none" else [themes.MONO]

    def _key(self) -> str:
        return "theme_16" if self.colours == "16" else "theme"

    def _remembered(self) -> str:
        return "" if self.colours == "none" else ui_state.read().get(self._key(), "")

    def _fitting(self) -> str:
        if self.colours == "full":
            return themes.DEFAULT
        if self.colours == "none":
            return self._there(themes.MONO)
        # Some terminals say which of their colours is the ground: 7 and 15 are white.
        ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
        return self._there(themes.ANSI_LIGHT if ground in ("7", "15") else themes.ANSI)

    def _there(self, name: str) -> str:
        return name if name in self.looks else themes.DEFAULT

    def hang(self) -> None:
        """Make all themes known to the app and wear the first, before anything is painted."""
        for look in self.looks.values():
            self._app.register_theme(look.textual())
        if self.look.ansi:
            self._app.theme = self._worn
            return
        # The same as setting it, without Textual's second and third parsing of all styles.
        self._app.set_reactive(App.theme, self._worn)
        self._app.set_class(self.look.dark, "-dark-mode", update=False)
        self._app.set_class(not self.look.dark, "-light-mode", update=False)
        self._app.stylesheet.set_variables(self._app.get_css_variables())

    def wear(self, name: str) -> None:
        """Change to a theme."""
        self._worn = name
        self._app.theme = name

    def choose(self, name: str) -> None:
        """Change to a theme and come back to it the next time."""
        self.wear(name)
        self.wanted = name
        ui_state.remember(**{self._key(): name})

    def following(self) -> str:
        """The theme after this one."""
        names = self.offered
        at = names.index(self._worn) if self._worn in names else -1
        return names[(at + 1) % len(names)]

    # --- the user's own ---

    def watch(self) -> None:
        """Read the user's own themes, now and whenever one is saved; never on the UI thread."""
        self._look_at_files()
        self._app.set_interval(_LOOK_AGAIN, self._look_at_files)

    def _look_at_files(self) -> None:
        self._app.run_worker(self._read, thread=True, exclusive=True, group="themes", exit_on_error=False)

    def _read(self) -> None:
        folder = themes.own_folder()
        stamp = themes.stamp(folder)
        if stamp == self._stamp:
            return
        looks, mistakes = themes.read_folder(folder)
        self._app.call_from_thread(self._take, stamp, looks, mistakes)

    def _take(self, stamp: object, looks: dict[str, themes.Look], mistakes: list[str]) -> None:
        first, self._stamp = self._stamp is None, stamp
        self.own |= set(looks)
        self.looks |= looks
        for look in looks.values():
            self._app.register_theme(look.textual())
        if first:
            mistakes = [*self._mistakes, *mistakes, *self._dress()]
        elif self._worn in looks:
            self._redress()
        self._tell(mistakes)

    def _dress(self) -> list[str]:
        """Wear what was wanted, now that all themes are known."""
        if self.wanted not in self.looks:
            known = ", ".join(self.offered)
            return [f"There is no theme {self.wanted}; there are {known}."]
        if self.wanted != self._worn:
            self.wear(self.wanted)
        elif self._worn in self.own:
            self._redress()
        return []

    def _redress(self) -> None:
        """The same name in new colours: Textual listens to a change of name only."""
        name = self._worn
        self._app.theme = next(other for other in self.looks if other != name)
        self._app.theme = name

    def _tell(self, mistakes: list[str]) -> None:
        """Each mistake once; the last good version of a broken theme stays."""
        fresh = [mistake for mistake in mistakes if mistake not in self._told]
        self._told = set(mistakes)
        if fresh:
            self._say("\n".join(one_line(mistake) for mistake in fresh))
