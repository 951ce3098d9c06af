"""One table makes the keys, the help, the palette and the docs, so none of them can lack an action."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

from openlora_tui.actions import ACTIONS, BY_ID, FOOTER, Facts, footer, key_table, shown
from openlora_tui.app import OpenLoraApp
from openlora_tui.modals.palette import listed, palette
from openlora_tui.modals.readers import Help
from openlora_tui.screens.runs import RunsScreen
from openlora_tui.screens.train import TrainScreen
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.pick_list import PickList
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine


def test_every_action_has_words_and_a_handler() -> None:
    owners = (OpenLoraApp, RunsScreen, TrainScreen)
    for action in ACTIONS:
        assert action.help.endswith("."), action.id
        assert action.keys, action.id
        if action.where in ("move", "page"):
            assert hasattr(Page, f"action_{action.id}"), action.id
        else:
            assert any(hasattr(owner, f"do_{action.id}") for owner in owners), action.id
        if action.where == "move":
            assert hasattr(PickList, f"action_{action.id}"), action.id


def test_no_key_means_two_things_in_one_place() -> None:
    for places in (("app", "run", "runs", "find", "move"), ("app", "run", "train", "dialogue")):
        keys = Counter(key for action in ACTIONS if action.where in places for key in action.keys)
        assert [key for key, count in keys.items() if count > 1] == []


def test_keys_that_terminals_take_for_others_are_not_bound() -> None:
    taken = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket", "ctrl+b", "ctrl+a"}
    assert not taken & {key for action in ACTIONS for key in action.keys}


def test_the_footer_names_six_keys_at_most_and_ends_with_help() -> None:
    for place in FOOTER:
        shown_here = footer(Facts(place=place))
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
        options = {option.value for option in palette(pilot.app.facts())._question.options()}
        assert options == {action.id for action in listed()}
        await pilot.press("colon", *"theme")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert pilot.app.theme == "openlora-light"


async def test_the_palette_says_why_an_action_does_nothing(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        refusals = {o.value: o.refusal for o in palette(pilot.app.facts())._question.options()}
        assert "has not ended" in refusals["resume"]
        assert "Train screen" in refusals["zoom"]
        assert refusals["pause"] == ""


def test_the_docs_table_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openlora_tui.actions"], capture_output=True, text=True, check=True
    )
    assert done.stdout == key_table()
    assert "| `p` |" in done.stdout
