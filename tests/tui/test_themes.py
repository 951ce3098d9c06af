"""Themes are checked with messages that say what to write, and a broken one never stops the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openlora_tui import themes
from tests.tui.fake_engine import FakeEngine


def theme_text(**changes: str | None) -> str:
    colours = dict.fromkeys(themes.ROLES, "#102030") | changes
    lines = [f'{name} = "{value}"' for name, value in colours.items() if value is not None]
    return "\n".join(['name = "mine"', "[colours]", *lines])


def test_both_shipped_themes_are_sound_and_readable() -> None:
    looks, mistakes = themes.shipped()
    assert mistakes == []
    assert set(looks) == {"openlora-dark", "openlora-light"}
    for look in looks.values():
        for role in ("text", "dim", "accent", "ok", "warn", "bad"):
            for ground in ("background", "surface"):
                assert contrast(look.colours[role], look.colours[ground]) >= 4.5, (look.name, role, ground)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colours = ", "is not valid TOML"),
        ("name = 'x'", "has no [colours] table"),
        (theme_text(accnt="#102030"), "Did you mean accent?"),
        (theme_text(ok="green"), "ok is 'green'; write it as #rrggbb"),
        (theme_text(bad=None), "lacks bad"),
    ],
)
def test_a_mistake_names_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(themes.ThemeMistake, match=r"mine\.toml") as caught:
        themes.parse(text, "mine.toml")
    assert said in str(caught.value)


async def test_own_themes_are_read_and_broken_ones_told_once(
    opened: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "config" / "openlora" / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(theme_text())
    (folder / "broken.toml").write_text("[colours]\n")
    async with opened(theme="mine") as pilot:
        assert pilot.app.look.name == "mine"
        (notice,) = pilot.app._notifications
        assert "broken.toml lacks" in notice.message


async def test_an_unknown_theme_falls_back_and_says_so(opened: Any, engine: FakeEngine) -> None:
    async with opened(theme="nope") as pilot:
        assert pilot.app.look.name == themes.DEFAULT
        (notice,) = pilot.app._notifications
        assert "There is no theme nope" in notice.message


def contrast(one: str, other: str) -> float:
    """As WCAG defines it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
