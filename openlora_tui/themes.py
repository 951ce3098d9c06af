"""Reads the colour themes: the shipped ones, and a user's own from the config folder."""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.style import Style
from textual.theme import Theme

from engine.reading import UNDECODABLE, content
from engine.text import one_line
from openlora_tui import folders

_LARGEST: Final = 1 << 20
DEFAULT: Final = "openlora-dark"
MONO: Final = "openlora-mono"
ANSI: Final = "openlora-ansi"
ANSI_LIGHT: Final = "openlora-ansi-light"
ROLES: Final = (
    "background", "surface", "panel", "select", "text", "bright", "dim", "faint", "accent", "ok", "warn",
    "bad", "chart-train", "chart-band", "chart-eval",
)  # fmt: skip
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_HUES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ANSI: Final = ("default", *_HUES, *(f"bright-{hue}" for hue in _HUES))
_FLAGS: Final = ("bold", "dim", "italic", "underline", "reverse")
# Variables of Textual's own style sheets that its ANSI themes must give.
_PLAIN: Final = ("ansi-background", "ansi-foreground", "input-cursor-background", "input-cursor-foreground")
_STYLES: Final = {"bright": "bold"}
# Shown where no theme file can be read at all.
_SPARE: Final = {
    "background": "#111417", "surface": "#181c20", "panel": "#22272d", "select": "#263645",
    "text": "#c9d1d9", "bright": "#f0f4f8", "dim": "#8b949e", "faint": "#4a525b", "accent": "#6cb6ff",
    "ok": "#57c785", "warn": "#e5b567", "bad": "#ff7b72", "chart-train": "#6cb6ff",
    "chart-band": "#2f4f6b", "chart-eval": "#e5b567",
}  # fmt: skip


class ThemeMistake(Exception):
    """What is wrong with a theme file, in one sentence with its path."""


class Look(msgspec.Struct, frozen=True, eq=False):
    """One theme: colours by what they mean."""

    name: str
    dark: bool
    colours: dict[str, str]
    """`#rrggbb`, or in an ANSI theme the name of one of the terminal's own 16 colours."""
    ansi: bool = False
    styles: dict[str, str] = msgspec.field(default_factory=lambda: dict(_STYLES))
    """Roles that are more than a colour: `bold`, `dim`, `underline`, `reverse`."""
    _made: dict[str, Style] = msgspec.field(default_factory=dict)

    def style(self, role: str) -> Style:
        """The style of a role; `bold ROLE` varies it, and a selected row is `ROLE on select`."""
        if role not in self._made:
            self._made[role] = self._make(role)
        return self._made[role]

    def _make(self, role: str) -> Style:
        front, _, ground = role.partition(" on ")
        *extra, name = front.split()
        flags = {*extra, *self.styles.get(name, "").split(), *self.styles.get(ground, "").split()}
        if "reverse" in flags:
            # A reversed row is the terminal's own text colour throughout, so that it reads on any palette.
            return Style(reverse=True, bold=True if "bold" in flags else None)
        return Style(
            color=self._rich(name),
            bgcolor=self._rich(ground) if ground else None,
            **dict.fromkeys(flags, True),  # type: ignore[arg-type]
        )

    def _rich(self, role: str) -> str:
        return self.colours[role].replace("-", "_")

    def css(self, role: str) -> str:
        """A colour as the style sheets write it."""
        return f"ansi_{self._rich(role)}" if self.ansi else self.colours[role]

    def variables(self) -> dict[str, str]:
        """The colours as variables of the style sheets."""
        return {f"ol-{role}": self.css(role) for role in ROLES}

    def textual(self) -> Theme:
        """The same colours in Textual's own names, for its inputs and toasts."""
        cursor = {"input-cursor-background": self.css("accent"),
                  "input-cursor-foreground": self.css("background")}  # fmt: skip
        if self.ansi:
            cursor = dict.fromkeys(_PLAIN, "ansi_default") | {"input-cursor-text-style": "reverse"}
        return Theme(
            name=self.name,
            primary=self.css("accent"),
            secondary=self.css("dim"),
            accent=self.css("accent"),
            success=self.css("ok"),
            warning=self.css("warn"),
            error=self.css("bad"),
            foreground=self.css("text"),
            background=self.css("background"),
            surface=self.css("surface"),
            panel=self.css("panel"),
            dark=self.dark,
            ansi=self.ansi,
            variables=self.variables() | cursor,
        )


def parse(text: str, path: str) -> Look:
    """The theme in `text`.

    Raises:
        ThemeMistake: with the file, the name and what it should be.
    """
    try:
        found = tomllib.loads(text)
    except UNDECODABLE as error:  # TOMLDecodeError is a ValueError, as is a number of too many digits
        raise ThemeMistake(f"{path} is not valid TOML: {error}.") from error
    name, dark, ansi = found.get("name", Path(path).stem), found.get("dark", True), found.get("ansi", False)
    if not isinstance(name, str) or not isinstance(dark, bool) or not isinstance(ansi, bool):
        raise ThemeMistake(f"{path}: name is a text; dark and ansi are true or false.")
    colours = _table(found, "colours", path)
    for role, colour in colours.items():
        _check_colour(role, colour, ansi, path)
    missing = [role for role in ROLES if role not in colours]
    if missing:
        raise ThemeMistake(f"{path} lacks {', '.join(missing)}.")
    styles = _table(found, "styles", path) if "styles" in found else {}
    for role, style in styles.items():
        if not isinstance(style, str) or not set(style.split()) <= set(_FLAGS):
            raise ThemeMistake(
                f"{path}: the style of {role} is {style!r}; write some of {', '.join(_FLAGS)}."
            )
    return Look(one_line(name), dark, dict(colours), ansi, _STYLES | styles)


def _table(found: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    table = found.get(name)
    if not isinstance(table, dict):
        raise ThemeMistake(f"{path} has no [{name}] table.")
    for role in table:
        if role not in ROLES:
            raise ThemeMistake(f"{path}: {role} is not a colour of a theme.{_near(role, ROLES)}")
    return table


def _near(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _check_colour(role: str, colour: object, ansi: bool, path: str) -> None:
    if ansi and colour not in _ANSI:
        hint = _near(str(colour), _ANSI)
        raise ThemeMistake(
            f"{path}: {role} is {colour!r}; an ANSI theme names default, red, bright-red and so on.{hint}"
        )
    if not ansi and not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        raise ThemeMistake(f"{path}: {role} is {colour!r}; write it as #rrggbb.")


def shipped_folder() -> Path:
    """`openlora_tui/themes` in an installed wheel, `themes` of the checkout in an editable install."""
    here = Path(__file__).parent
    inside = here / "themes"
    return inside if inside.is_dir() else here.parent / "themes"


def read_folder(folder: Path) -> tuple[dict[str, Look], list[str]]:
    """The themes of a folder by name, and what is wrong with the files that are none."""
    looks: dict[str, Look] = {}
    mistakes: list[str] = []
    try:
        paths = sorted(folder.glob("*.toml"))
    except OSError:
        return looks, mistakes
    for path in paths:
        try:
            look = parse(content(path, _LARGEST).decode(), str(path))
        except ThemeMistake as mistake:
            mistakes.append(str(mistake))
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(f"{path} cannot be read: {error}.")
        else:
            looks[look.name] = look
    return looks, mistakes


def shipped() -> tuple[dict[str, Look], list[str]]:
    """The themes that come with OpenLoRA; never none."""
    looks, mistakes = read_folder(shipped_folder())
    if DEFAULT not in looks:
        looks[DEFAULT] = Look(DEFAULT, True, dict(_SPARE))
    return looks, mistakes


def own_folder() -> Path:
    """`openlora/themes` in the config folder."""
    return folders.config() / "themes"


def own() -> tuple[dict[str, Look], list[str]]:
    """The user's own themes."""
    return read_folder(own_folder())


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a theme file of the folder is saved, added or removed."""
    with contextlib.suppress(OSError):
        found = ((path.name, path.stat()) for path in sorted(folder.glob("*.toml")))
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)
    return ()
