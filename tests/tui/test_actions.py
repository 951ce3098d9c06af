"""One table makes the keys, the help, the palette and the docs, so none of them can lack an action."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from engine import messages as ms
from openlora_tui.actions import ACTIONS, BY_ID, TABLE_OF, TABLES, Facts, footer, shown, tables
from openlora_tui.actions.places import BY_MODE, PLACES, Entry
from openlora_tui.app import OpenLoraApp
from openlora_tui.modals.palette import listed, palette
from openlora_tui.modals.readers import Help
from openlora_tui.screens.place import Place
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.pick_list import PickList
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine


def test_every_action_has_words_and_a_handler() -> None:
    owners = (OpenLoraApp, *(type(place.open()) for place in PLACES))
    for action in ACTIONS:
        assert action.help.endswith("."), action.id
        assert action.keys, action.id
        where = TABLE_OF[action.id].name
        if where in ("move", "page"):
            assert hasattr(Page, f"action_{action.id}"), action.id
        elif action.id not in BY_MODE:
            assert any(hasattr(owner, f"do_{action.id}") for owner in owners), action.id
        if where == "move":
            assert hasattr(PickList, f"action_{action.id}"), action.id


def test_no_key_means_two_things_in_one_place() -> None:
    for place in PLACES:
        screen = place.open()
        tables = {"app", "move", *screen.TABLES}
        keys = Counter(key for name in tables for action in TABLES[name].actions for key in action.keys)
        assert [key for key, count in keys.items() if count > 1] == [], place.mode


def test_keys_that_terminals_take_for_others_are_not_bound() -> None:
    taken = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket", "ctrl+b", "ctrl+a"}
    assert not taken & {key for action in ACTIONS for key in action.keys}


def test_the_footer_names_six_keys_at_most_and_ends_with_help() -> None:
    for place in PLACES:
        shown_here = footer(Facts(place=place.mode, keys=dict.fromkeys(BY_ID, "x")), lambda action: "")
        assert len(shown_here) <= 6
        assert shown_here[-1] is BY_ID["help"]


async def test_the_help_shows_every_action(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("question_mark")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, Help)
        text = "\n".join(row.plain for row in screen.write(200))
        for action in ACTIONS:
            assert action.help in text
            assert shown(action.keys[0]) in text


async def test_the_palette_lists_every_action_and_runs_it(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        options = {option.value for option in palette(pilot.app)._question.options()}
        assert options == {action.id for action in listed()}
        before = pilot.app.theme
        await pilot.press("colon", *"theme")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert pilot.app.theme != before


async def test_the_palette_says_why_an_action_does_nothing(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        refusals = {o.value: o.refusal for o in palette(pilot.app)._question.options()}
        assert "has not ended" in refusals["resume"]
        assert "Train screen" in refusals["zoom"]
        assert refusals["pause"] == ""


@pytest.mark.parametrize("entry", PLACES, ids=lambda entry: entry.mode)
def test_every_place_is_complete(entry: Entry) -> None:
    screen = entry.open()
    assert isinstance(screen, Place)
    assert screen.TABLES
    assert entry.help.endswith(".")
    assert tables(entry.mode) == screen.TABLES, "name them as `beside` of its table"
    assert TABLES[entry.mode].footer


async def test_the_brackets_walk_the_places_in_the_order_of_the_work(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("left_square_bracket")
        (notice,) = pilot.app._notifications
        assert "first place" in notice.message
        seen = [pilot.app.current_mode]
        while not pilot.app.why_not(BY_ID["onward"]):
            await pilot.press("right_square_bracket")
            await settle(pilot)
            seen.append(pilot.app.current_mode)
        assert seen == [place.mode for place in PLACES if not place.aside]
        await pilot.press("left_square_bracket")
        await settle(pilot)
        assert pilot.app.current_mode == seen[-2]


async def test_watching_only_refuses_every_action_that_changes_something(
    opened: Any, engine: FakeEngine
) -> None:
    async with opened(readonly=True) as pilot:
        for action in ACTIONS:
            assert bool(action.changes) == ("watch only" in pilot.app.why_not(action)), action.id
        await pilot.press("S", "K", "d", "n", "p")
        await settle(pilot)
        assert len(pilot.app.screen_stack) == 1
        assert not engine.asked(ms.Act)
