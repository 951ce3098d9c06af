"""Quitting asks while a run is live, and the safe answer is under the cursor."""

from __future__ import annotations

from typing import Any

import pytest

from engine import messages as ms
from tests.tui.conftest import settle
from tests.tui.fake_engine import RUN, FakeEngine, row, tickets
from tests.tui.screen_picture import shown


def left(app: Any) -> bool:
    return bool(app._exit)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_leave_running_is_the_first_answer(key: str, opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press(key)
        assert "leave running" in shown(pilot.app)
        await pilot.press("enter")
        assert left(pilot.app)
    assert not engine.asked(ms.Act)
    assert engine.closed


async def test_stop_and_save_leaves_once_the_engine_has_it(opened: Any, engine: FakeEngine) -> None:
    engine.list([tickets()])
    async with opened() as pilot:
        await pilot.press("q", "j", "enter")
        await settle(pilot)
        assert not left(pilot.app)
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert (act.run, act.verb) == (RUN, "stop")
        engine.accept()
        await settle(pilot)
        assert left(pilot.app)


@pytest.mark.parametrize("keys", [["escape"], ["q"], ["j", "j", "enter"]])
async def test_cancel_stays(keys: list[str], opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("q", *keys)
        await settle(pilot)
        assert not left(pilot.app)
        assert "support-tickets" in shown(pilot.app)


async def test_without_a_live_run_nothing_is_asked(opened: Any, engine: FakeEngine) -> None:
    engine.list([row("done", "succeeded")])
    async with opened() as pilot:
        await pilot.press("q")
        assert left(pilot.app)


async def test_q_in_train_goes_back_to_the_runs(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("z", "q", "q")
        assert pilot.app.current_mode == "runs"
        assert not left(pilot.app)
