"""Presets and a person's own keys: every action can be reached and no key is ambiguous."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlora_tui import keymap
from openlora_tui.actions import BY_ID, in_palette
from openlora_tui.actions.keys import named, shown
from openlora_tui.keymap import PRESETS, clashes
from openlora_tui.modals.ask import Ask
from openlora_tui.modals.readers import Help
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine
from tests.tui.screen_picture import shown as seen

SPARE = ["ctrl+x", "ctrl+g", "f6", "f12", "X", "p", "q", "j", "enter", "esc", "?", "1", "space", ",", ""]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_leaves_every_action_in_reach_and_no_key_with_two_meanings(preset: str) -> None:
    keys = PRESETS[preset]
    assert set(keys) == set(BY_ID)
    assert clashes(keys) == {}
    assert [id for id, found in keys.items() if not found and not in_palette(BY_ID[id])] == []


def test_stray_typing_does_nothing_with_minimal_keys() -> None:
    letters = {key for keys in PRESETS["minimal"].values() for key in keys if key.isalpha() and len(key) == 1}
    assert letters == set()


@given(
    st.sampled_from(sorted(PRESETS)),
    st.dictionaries(st.sampled_from(sorted(BY_ID)), st.lists(st.sampled_from(SPARE), max_size=3), max_size=8),
)
def test_whatever_is_asked_for_every_action_stays_in_reach(preset: str, own: dict[str, list[str]]) -> None:
    lines = [f"{id} = {words!r}" for id, words in own.items()]
    found, mistakes = keymap.parse("\n".join([f"preset = '{preset}'", "[keys]", *lines]), "keys.toml")
    assert clashes(found.keys) == {}
    for id, keys in found.keys.items():
        assert keys or in_palette(BY_ID[id]), id
    if not mistakes:
        for id, words in own.items():
            assert set(found.keys[id]) == {named(word) for word in words if word}


PRESSED = {key for preset in PRESETS.values() for keys in preset.values() for key in keys}


@pytest.mark.parametrize("key", sorted(PRESSED))
def test_a_key_can_be_written_as_it_is_shown(key: str) -> None:
    if key not in ("ctrl+c", "ctrl+z"):
        assert named(shown(key)) == key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[keys]\nstp = 'x'", "there is no action stp; did you mean stop?"),
        ("[keys]\nstop = 'ctrl+m'", "a terminal sends the same for ctrl+m as for enter"),
        ("[keys]\nstop = 'ctrl+i'", "as for tab"),
        ("[keys]\nstop = 'ctrl+h'", "as for backspace"),
        ("[keys]\nstop = 'ctrl+shift+x'", "is no key that every terminal sends"),
        ("[keys]\nstop = 'ctrl+c'", "ctrl+c is taken"),
        ("[keys]\nstop = 'p'", "p is given to pause and stop in "),
        ("[keys]\nstop = 7", "stop is a key or a list of keys"),
        ("[keys]\ndown = ''", "down needs a key"),
        ("preset = 'emacs'", "There are no keys called emacs; there are default, vim, minimal."),
        ("keys = 'x'", "keys is a table"),
        ("prest = 'vim'", "prest means nothing here"),
        ("[keys", "is not valid TOML"),
    ],
)
def test_a_mistake_is_told_clearly_and_changes_nothing(text: str, said: str) -> None:
    found, mistakes = keymap.parse(text, "keys.toml")
    assert len(mistakes) == 1
    assert said in mistakes[0]
    assert found.keys == PRESETS["default"]


def test_two_actions_may_swap_their_keys() -> None:
    found, mistakes = keymap.parse("[keys]\nstop = 'p'\npause = 'S'", "keys.toml")
    assert mistakes == []
    assert (found.shown("stop"), found.shown("pause")) == ("p", "S")


async def test_own_keys_act_and_are_shown_everywhere(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "openlora"
    folder.mkdir(parents=True)
    (folder / "keys.toml").write_text('[keys]\nstop = "ctrl+x"\npause = "S"\nkill = ""\nhelp = ["f2", "?"]\n')
    async with opened(120, 36) as pilot:
        app = pilot.app
        assert "ctrl+x stop" in seen(app)
        assert "S pause" in seen(app)
        assert "f2 help" in seen(app)
        await pilot.press("K")
        await settle(pilot)
        assert not isinstance(app.screen, Ask)
        await pilot.press("ctrl+x")
        await settle(pilot)
        assert isinstance(app.screen, Ask)
        assert "Stop" in seen(app)
        await pilot.press("escape", "f2")
        await settle(pilot)
        assert isinstance(app.screen, Help)
        assert "ctrl+x" in "\n".join(row.plain for row in app.screen.write(200))
        await pilot.press("escape", "colon", *"kill")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "Kill" in seen(app)


async def test_a_rebound_character_can_still_be_typed(
    opened: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "config" / "openlora"
    folder.mkdir(parents=True)
    (folder / "keys.toml").write_text('[keys]\ntheme = ["x", "f5"]\nhelp = ["h", "f1"]\n')
    async with opened() as pilot:
        before = pilot.app.look.name
        await pilot.press("slash", *"hx")
        await settle(pilot)
        assert pilot.app.focused.value == "hx"
        assert pilot.app.look.name == before


async def test_minimal_keys_serve_a_whole_visit(opened: Any, engine: FakeEngine) -> None:
    async with opened(keys="minimal") as pilot:
        await pilot.press(*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "space")
        await settle(pilot)
        assert len(pilot.app.screen_stack) == 1
        assert pilot.app.current_mode == "runs"
        await pilot.press("down", "up", "enter")
        await settle(pilot)
        assert pilot.app.current_mode == "train"
        await pilot.press("f10")
        await settle(pilot)
        assert pilot.app.current_mode == "runs"


async def test_an_unknown_preset_is_told(opened: Any, engine: FakeEngine) -> None:
    async with opened(keys="emacs") as pilot:
        (notice,) = pilot.app._notifications
        assert "There are no keys called emacs" in notice.message
