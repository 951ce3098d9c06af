"""Themes are checked with messages that say what to write, and a broken one never stops the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openlora_tui import themes
from openlora_tui.wardrobe import depth
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine


def theme_text(**changes: str | None) -> str:
    colours = dict.fromkeys(themes.ROLES, "#102030") | changes
    lines = [f'{name} = "{value}"' for name, value in colours.items() if value is not None]
    return "\n".join(['name = "mine"', "[colours]", *lines])


LOOKS, MISTAKES = themes.shipped()
TEXT_ROLES = ("text", "bright", "dim", "accent", "ok", "warn", "bad")
CHART_ROLES = ("chart-train", "chart-eval")
GROUNDS = ("background", "surface", "panel", "select")


def test_the_shipped_themes_are_sound() -> None:
    assert MISTAKES == []
    assert {"openlora-dark", "openlora-light", "openlora-contrast", themes.ANSI, themes.MONO} <= set(LOOKS)


@pytest.mark.parametrize("look", [one for one in LOOKS.values() if not one.ansi], ids=lambda one: one.name)
def test_words_stand_out_from_every_ground(look: themes.Look) -> None:
    """4.5:1 is WCAG's level AA for text, 7:1 its level AAA."""
    least = 7.0 if look.name == "openlora-contrast" else 4.5
    roles = (*TEXT_ROLES, "faint") if least == 7.0 else TEXT_ROLES
    pairs = [(role, ground) for role in roles for ground in GROUNDS]
    pairs += [(role, ground) for role in CHART_ROLES for ground in ("background", "surface")]
    found = {pair: contrast(*(look.colours[role] for role in pair)) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}


@pytest.mark.parametrize("look", [look for look in LOOKS.values() if look.ansi], ids=lambda look: look.name)
def test_ansi_themes_leave_colours_to_the_terminal_and_reverse_the_selection(look: themes.Look) -> None:
    for role in themes.ROLES:
        style = look.style(role)
        assert style.color is None or style.color.triplet is None
        assert style.color is None or (style.color.number or 0) < 16
    selected = look.style("bold accent on select")
    assert (selected.reverse, selected.color, selected.bgcolor) == (True, None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colours = ", "is not valid TOML"),
        ("name = 'x'", "has no [colours] table"),
        (theme_text(accnt="#102030"), "Did you mean accent?"),
        (theme_text(ok="green"), "ok is 'green'; write it as #rrggbb"),
        (theme_text(bad=None), "lacks bad"),
        ("ansi = true\n" + theme_text(), "an ANSI theme names default, red"),
        (theme_text() + "\n[styles]\nbright = 'loud'", "the style of bright is 'loud'"),
        (theme_text() + "\n[styles]\nbrite = 'bold'", "Did you mean bright?"),
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


async def test_a_saved_theme_is_worn_at_once_and_a_broken_save_keeps_the_last_good_one(
    opened: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "config" / "openlora" / "themes"
    folder.mkdir(parents=True)
    mine = folder / "mine.toml"
    mine.write_text(theme_text())
    async with opened(theme="mine") as pilot:
        app = pilot.app
        for text, accent, notices in (
            (theme_text(accent="#405060"), "#405060", 0),
            ("[colours]\nbroken", "#405060", 1),
            (theme_text(accent="#abcdef"), "#abcdef", 1),
        ):
            mine.write_text(text)
            await looked_again(pilot)
            assert app.look.colours["accent"] == accent
            assert app.get_css_variables()["ol-accent"] == accent
            assert len(app._notifications) == notices
            # A file that has not been saved since is not read, and its mistake is not told again.
            await looked_again(pilot)
            assert len(app._notifications) == notices


async def looked_again(pilot: Any) -> None:
    """The app's next look at the folder, without the wait for it."""
    pilot.app.wardrobe._look_at_files()
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


async def test_the_choice_is_remembered_for_terminals_of_this_kind(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("ctrl+t")
        chosen = pilot.app.look.name
        assert chosen != themes.DEFAULT
    async with opened() as pilot:
        assert pilot.app.look.name == chosen
    async with opened(colours="16") as pilot:
        assert pilot.app.look.name == themes.ANSI
    async with opened(theme="openlora-light") as pilot:
        assert pilot.app.look.name == "openlora-light"


async def test_the_chooser_shows_a_theme_and_escape_goes_back(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("T", *"light")
        await settle(pilot)
        assert not pilot.app.look.dark
        await pilot.press("escape")
        await settle(pilot)
        assert pilot.app.look.name == themes.DEFAULT
        await pilot.press("T", *"contrast")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert pilot.app.look.name == "openlora-contrast"
    async with opened() as pilot:
        assert pilot.app.look.name == "openlora-contrast"


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "screen"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "xterm-256color"}, "full"),
        ({"TERM": "tmux-256color"}, "full"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "full"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "full"),
        ({"TERM": "dumb"}, "none"),
    ],
)
def test_the_terminal_says_how_many_colours_it_has(environment: dict[str, str], found: str) -> None:
    assert depth(environment) == found


async def test_a_white_ground_of_sixteen_colours_gets_the_light_ansi_theme(
    opened: Any, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORFGBG", "0;15")
    async with opened(colours="16") as pilot:
        assert pilot.app.look.name == themes.ANSI_LIGHT


def contrast(one: str, other: str) -> float:
    """As WCAG defines it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
