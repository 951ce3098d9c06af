"""A watched run is folded from its events, survives gaps and resizing, and shows foreign text inert."""

from __future__ import annotations

from typing import Any

from engine import __version__
from engine import events as ev
from engine import messages as ms
from engine.findings import Finding
from engine.run_state import fold
from tests.tui.conftest import settle
from tests.tui.fake_engine import FINISHED, NOW, RUN, FakeEngine, state_of, step_event, trained
from tests.tui.screen_picture import shown


async def test_events_move_the_numbers(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        engine.happened(RUN, step_event(413, NOW), step_event(414, NOW + 1))
        await settle(pilot)
        assert "414 / 1,200" in shown(pilot.app)


async def test_the_outcome_takes_the_place_of_the_progress(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        engine.happened(RUN, FINISHED)
        await settle(pilot)
        text = shown(pilot.app)
        assert "succeeded" in text
        assert "PeftModel.from_pretrained" in text
        assert "tok/s" not in text.splitlines()[3]


async def test_what_a_key_may_do_goes_by_the_events_and_does_not_wait_for_the_list(
    opened: Any, engine: FakeEngine
) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        assert pilot.app.session.rows[RUN].adapter is None
        engine.happened(RUN, FINISHED)
        await settle(pilot)
        assert pilot.app.session.rows[RUN].status == "succeeded"
        assert pilot.app.session.rows[RUN].adapter
        await pilot.press("c")
        await settle(pilot)
        assert pilot.app.current_mode == "chat"


async def test_a_gap_in_the_events_is_healed_by_a_snapshot(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        fold([ev.encode(step_event(413, NOW))], engine.states[RUN])
        engine.happened(RUN, step_event(414, NOW + 1))
        await settle(pilot)
        await settle(pilot)
        assert len(engine.asked(ms.Watch)) == 2
        assert "414 / 1,200" in shown(pilot.app)


async def test_a_new_engine_is_asked_for_the_run_again(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        engine.start()
        await settle(pilot)
        assert len(engine.asked(ms.Watch)) == 2


async def test_silence_is_said(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        assert "not been heard" not in shown(pilot.app)
        engine.now = NOW + 22
        await settle(pilot)
        assert "The worker has not been heard for 20 s." in shown(pilot.app)


async def test_resizing_keeps_the_place_the_mark_and_the_selection(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("j")
        await pilot.resize_terminal(120, 36)
        await settle(pilot)
        assert pilot.app.facts().row.name == "next-one"
        await pilot.press("k", "enter")
        await settle(pilot)
        await pilot.press("m", "m")
        await pilot.resize_terminal(50, 10)
        await settle(pilot)
        assert "needs 60 by 16" in shown(pilot.app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert pilot.app.screen.marking


async def test_foreign_text_reaches_the_screen_inert(opened: Any, engine: FakeEngine) -> None:
    evil = "\x1b[31mred\x1b]0;title\x07 [bold]loud[/bold] [@click=app.quit]x[/]\nnext\u202e"
    events = trained(20)
    events += [
        ev.Log(t=NOW, text=evil),
        ev.Sampled(t=NOW, step=20, prompt=evil, text=evil),
        ev.Found(t=NOW, finding=Finding(category="other", severity="warning", title=evil, step=20)),
        ev.Failed(t=NOW, run=RUN, steps=20, what=evil, why=evil, do=evil, log=evil, console=[evil]),
    ]
    engine.states[RUN] = state_of(events)
    async with opened(120, 36) as pilot:
        for keys in (["enter"], ["l"], ["escape", "t"], ["escape", "f"]):
            for key in keys:
                await pilot.press(key)
            await settle(pilot)
            text = shown(pilot.app)
            assert "[bold]loud[/bold]" in text
            assert not {"\x1b", "\x07", "\u202e"} & set(text)


async def test_marks_are_stepped_through_in_full(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("m")
        assert "step 400  checkpoint" in shown(pilot.app)
        await pilot.press("left")
        await settle(pilot)
        assert "step 310  The loss jumped" in shown(pilot.app)
        await pilot.press("escape")
        assert not pilot.app.screen.marking
        assert pilot.app.current_mode == "train"


async def test_what_the_engine_notes_of_its_store_is_told_once(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        note = "home is on a network file system: the index does without WAL."
        told: list[str] = []
        pilot.app.tell = told.append
        for _ in range(2):
            engine.push(ms.Welcome(pid=2, version=__version__, home="/home", notes=[note]))
            await settle(pilot)
        assert told == [note]
