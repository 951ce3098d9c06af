"""All themes in a list: the one under the cursor is worn at once, and escape goes back."""

from __future__ import annotations

from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.wardrobe import Wardrobe


def theme_chooser(wardrobe: Wardrobe) -> Chooser:
    """The chooser, beginning with what is worn."""
    names = wardrobe.offered
    at = names.index(wardrobe.wanted) if wardrobe.wanted in names else 0
    options = [Option(name, name, _kind(wardrobe, name)) for name in [*names[at:], *names[:at]]]
    return Chooser(
        Question(
            title="Themes",
            prompt="type a part of a name",
            empty="No theme is called that.",
            options=lambda: options,
            typed=lambda text: None,
            looked_at=lambda option: wardrobe.wear(option.value),
            about_rows=0,
            act="keep",
        )
    )


def _kind(wardrobe: Wardrobe, name: str) -> str:
    look = wardrobe.looks[name]
    colours = "the terminal's own colours" if look.ansi else "dark" if look.dark else "light"
    return f"{colours}, your own" if name in wardrobe.own else colours
