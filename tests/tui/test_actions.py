"""One table makes the keys, the help, the palette and the docs, so none of them can lack an action."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from engine import messages as ms
from openlora_tui.actions import ACTIONS, BY_ID, TABLE_OF, TABLES, Facts, footer, shown, tables
from openlora_tui.actions.places import BY_MODE, PLACES, Entry
from openlora_tui.app import OpenLoraApp
from openlora_tui.modals.chooser import Chooser, Option, fit
from openlora_tui.modals.palette import listed, palette
from openlora_tui.modals.readers import Help, LogReader
from openlora_tui.screens.place import Place
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.pick_list import PickList
from tests.tui.chat_worker import finished
from tests.tui.conftest import settle
from tests.tui.fake_engine import RUN, FakeEngine, row
from tests.tui.screen_picture import shown as seen


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
        assert {value for value in options if ":" not in value} == {action.id for action in listed()}
        assert f"run:{RUN}" in options
        assert "theme:gruvbox" in options
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
    finished(engine)
    async with opened() as pilot:
        await pilot.press("left_square_bracket")
        (notice,) = pilot.app._notifications
        assert "first place" in notice.message
        way = [place for place in PLACES if not place.aside]
        for place in way[1:]:
            # A place with an act of its own there, such as starting the recipe, is left by the number.
            own = hasattr(pilot.app.place, "do_onward")
            await pilot.press(place.key if own else "right_square_bracket")
            await settle(pilot)
            assert pilot.app.current_mode == place.mode
        await pilot.press("escape", "left_square_bracket")
        await settle(pilot)
        assert pilot.app.current_mode == way[-2].mode


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


async def test_the_palette_opens_runs_and_wears_themes(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await found(pilot, "gruv")
        assert pilot.app.look.name == "gruvbox"
        await found(pilot, "support")
        assert pilot.app.current_mode == "train"
        assert pilot.app.session.watched == RUN


async def found(pilot: Any, text: str) -> None:
    await pilot.press("ctrl+p", *text)
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)


def test_what_is_called_so_comes_before_what_only_speaks_of_it() -> None:
    options = [
        Option("", "stop", help="Ends it."),
        Option("", "resume", help="After a stop."),
        Option("", "stop the run"),
        Option("", "full stop"),
        Option("", "nonstop"),
        Option("", "save"),
    ]
    assert [fit(option, "stop") for option in options] == [0, 4, 1, 2, 3, 5]


async def test_the_palette_writes_only_what_is_seen_of_thousands_of_runs(
    opened: Any, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.list([row(f"run-{number}", "succeeded", age=number) for number in range(5000)])
    async with opened() as pilot:
        written: list[str] = []
        whole = Chooser._line

        def counted(self: Chooser, option: Option) -> Any:
            line = whole(self, option)
            return lambda width: written.append(option.label) or line(width)

        monkeypatch.setattr(Chooser, "_line", counted)
        await pilot.press("colon", *"run-4321")
        await settle(pilot)
        assert pilot.app.screen.option.label == "run-4321"
        assert len(written) < 1000


async def test_help_begins_with_the_widget_that_has_the_cursor(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("question_mark")
        await settle(pilot)
        first = [row.plain for row in pilot.app.screen.write(80)][:3]
        assert first[0] == "Where the cursor is"
        assert "Next line." in first[1]
        await pilot.press("escape", "slash", "f1")
        await settle(pilot)
        text = "\n".join(row.plain for row in pilot.app.screen.write(80))
        assert text.index("Where the cursor is") < text.index("Delete all to the left") < text.index("Runs")


async def test_jump_mode_labels_what_can_be_gone_to_in_reading_order(opened: Any, engine: FakeEngine) -> None:
    async with opened(120, 36) as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("ctrl+o")
        await settle(pilot)
        text = seen(pilot.app)
        assert text.index(" a ") < text.index(" s ") < text.index(" d ")
        assert [line for line in text.splitlines() if "support-tickets" in line]
        await pilot.press("a")
        await settle(pilot)
        assert pilot.app.current_mode == PLACES[0].mode
        await pilot.press("ctrl+o", "escape")
        await settle(pilot)
        assert len(pilot.app.screen_stack) == 1


async def test_a_jump_takes_the_focus_or_runs_what_a_panel_is_for(opened: Any, engine: FakeEngine) -> None:
    async with opened(120, 36) as pilot:
        await pilot.press("slash", "J", "enter")
        assert pilot.app.screen.query_one("FindLine").value == "J"
        await pilot.press("J")
        await settle(pilot)
        labels = {target: letter for letter, target in pilot.app.screen._found.items()}
        line = pilot.app.screen_stack[0].query_one("FindLine")
        letter = next(letter for one, letter in labels.items() if (one.x, one.y) == tuple(line.region.offset))
        await pilot.press(letter)
        await settle(pilot)
        assert pilot.app.focused is line
        await pilot.press("escape", "enter")
        await settle(pilot)
        await pilot.press("J")
        await settle(pilot)
        log = pilot.app.screen_stack[0].query_one("LogPanel").region
        found_at = pilot.app.screen._found.items()
        await pilot.press(next(letter for letter, one in found_at if (one.x, one.y) == tuple(log.offset)))
        await settle(pilot)
        assert isinstance(pilot.app.screen, LogReader)
