"""Reads the colour themes: the shipped ones, and a user's own from the config folder."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.style import Style
from textual.theme import Theme

DEFAULT: Final = "openlora-dark"
ROLES: Final = (
    "background", "surface", "panel", "select", "text", "bright", "dim", "faint", "accent", "ok", "warn",
    "bad", "chart-train", "chart-band", "chart-eval",
)  # fmt: skip
_GROUNDS: Final = ("background", "surface", "panel", "select")
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_BOLD: Final = frozenset({"bright"})
# Shown where no theme file can be read at all.
_SPARE: Final = {
    "background": "#111417", "surface": "#181c20", "panel": "#22272d", "select": "#263645",
    "text": "#c9d1d9", "bright": "#f0f4f8", "dim": "#8b949e", "faint": "#4a525b", "accent": "#6cb6ff",
    "ok": "#57c785", "warn": "#e5b567", "bad": "#ff7b72", "chart-train": "#6cb6ff",
    "chart-band": "#2f4f6b", "chart-eval": "#e5b567",
}  # fmt: skip


class ThemeMistake(Exception):
    """What is wrong with a theme file, in one sentence with its path."""


@dataclass(frozen=True)
class Look:
    """One theme: colours by what they mean."""

    name: str
    dark: bool
    colours: dict[str, str]

    def style(self, role: str) -> Style:
        """The style of a role; `bold ROLE` varies it, and a selected row is `ROLE on select`."""
        return _style(self, role)

    def textual(self) -> Theme:
        """The same colours in Textual's own names, for its inputs and toasts."""
        pick = self.colours
        return Theme(
            name=self.name,
            primary=pick["accent"],
            secondary=pick["dim"],
            accent=pick["accent"],
            success=pick["ok"],
            warning=pick["warn"],
            error=pick["bad"],
            foreground=pick["text"],
            background=pick["background"],
            surface=pick["surface"],
            panel=pick["panel"],
            dark=self.dark,
            variables={f"ol-{role}": colour for role, colour in pick.items()}
            | {"input-cursor-background": pick["accent"], "input-cursor-foreground": pick["background"]},
        )


_styles: dict[tuple[str, str, str], Style] = {}


def _style(look: Look, role: str) -> Style:
    key = (look.name, look.colours.get("background", ""), role)
    if key not in _styles:
        front, _, ground = role.partition(" on ")
        *flags, name = front.split()
        _styles[key] = Style(
            color=look.colours[name],
            bgcolor=look.colours[ground] if ground else None,
            bold=True if "bold" in flags or name in _BOLD else None,
        )
    return _styles[key]


def parse(text: str, path: str) -> Look:
    """The theme in `text`.

    Raises:
        ThemeMistake: with the file, the name and what it should be.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ThemeMistake(f"{path} is not valid TOML: {error}.") from error
    colours = found.get("colours")
    if not isinstance(colours, dict):
        raise ThemeMistake(f"{path} has no [colours] table.")
    for name, colour in colours.items():
        if name not in ROLES:
            near = difflib.get_close_matches(name, ROLES, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ThemeMistake(f"{path}: {name} is not a colour of a theme.{hint}")
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise ThemeMistake(f"{path}: {name} is {colour!r}; write it as #rrggbb.")
    missing = [role for role in ROLES if role not in colours]
    if missing:
        raise ThemeMistake(f"{path} lacks {', '.join(missing)}.")
    name, dark = found.get("name", Path(path).stem), found.get("dark", True)
    if not isinstance(name, str) or not isinstance(dark, bool):
        raise ThemeMistake(f"{path}: name is a text and dark is true or false.")
    return Look(name, dark, dict(colours))


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
            look = parse(path.read_text("utf-8"), str(path))
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


def own() -> tuple[dict[str, Look], list[str]]:
    """The user's own themes, from `openlora/themes` in the config folder."""
    import platformdirs

    return read_folder(platformdirs.user_config_path("openlora") / "themes")
