"""Writes what a screen shows as text: its characters, then a grid that names the style of each cell."""

from __future__ import annotations

import os
from pathlib import Path

from rich.cells import cell_len
from rich.style import Style

from openlora_tui.app import OpenLoraApp

PICTURES = Path(__file__).parent / "pictures"
_LETTERS = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def picture(app: OpenLoraApp) -> str:
    """The screen with everything behind it, one line for a row, and its colours by the theme's names."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    look = app.look
    names = {} if look.ansi else {colour.lower(): role for role, colour in look.colours.items()}
    legend: dict[str, str] = {}
    texts, styles = [], []
    for parts in update.strips:
        text = style_line = ""
        for segment in (segment for strip in parts for segment in strip):
            text += segment.text
            style_line += _letter(legend, segment.style, names) * cell_len(segment.text)
        texts.append(text.rstrip())
        styles.append(style_line)
    explained = [f"{letter} {said}" for said, letter in legend.items()]
    return "\n".join([*texts, "=" * app.size.width, *styles, "=" * app.size.width, *explained]) + "\n"


def shown(app: OpenLoraApp) -> str:
    """The characters alone."""
    return picture(app).split("=" * app.size.width, 1)[0]


def _letter(legend: dict[str, str], style: Style | None, names: dict[str, str]) -> str:
    said = _said(style or Style(), names)
    if said not in legend:
        legend[said] = _LETTERS[len(legend)]
    return legend[said]


def _said(style: Style, names: dict[str, str]) -> str:
    parts = []
    for colour in (style.color, style.bgcolor):
        value = "default" if colour is None else colour.name
        if colour is not None and colour.triplet is not None:
            value = colour.triplet.hex.lower()
        parts.append(names.get(value, value))
    flags = [flag for flag in ("bold", "dim", "reverse", "underline") if getattr(style, flag)]
    return f"{' on '.join(parts)}{''.join(f' {flag}' for flag in flags)}"


def as_found_good(app: OpenLoraApp, name: str, folder: Path | None = None) -> str:
    """Compare with the picture of that name, or with UPDATE_PICTURES write it; `folder` is called /work."""
    text = picture(app)
    if folder is not None:
        text = text.replace(str(folder), "/work")
    path = PICTURES / f"{name}.txt"
    if os.environ.get("UPDATE_PICTURES"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"not as in {path}; look, then UPDATE_PICTURES=1"
    return text
