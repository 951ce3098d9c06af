"""An earlier run on the chart of the open one, laid over it by step or by share of the run."""

from __future__ import annotations

import math
from typing import Any

from engine import events as ev
from engine import messages as ms
from engine.run_state import RunState
from openlora_tui.widgets.chart import LossChart
from openlora_tui.widgets.ghost import Ghost
from tests.tui.conftest import settle
from tests.tui.fake_engine import NOW, FakeEngine, row, state_of, tickets
from tests.tui.screen_picture import shown


def earlier(steps: int = 200, run: str = "9") -> RunState:
    """A shorter run whose loss ends at 1."""
    events: list[ev.Event] = [
        ev.Created(t=NOW - 900, run=run, name="last-week", model="m", data=["d"], steps=steps)
    ]
    for step in range(1, steps + 1):
        loss = 1 + 2 * math.exp(-step / 20)
        events.append(ev.Step(t=NOW - 800 + step, step=step, loss=loss, lr=1e-4, grad_norm=1.0, tokens=9,
                              label_tokens=9, seconds=1.0, epoch=1.0))  # fmt: skip
    events.append(ev.Finished(t=NOW - 100, run=run, outcome="succeeded", steps=steps, loss=1.0, adapter=None))
    return state_of(events)


async def compared(pilot: Any, engine: FakeEngine) -> LossChart:
    engine.states["9"] = earlier()
    engine.list([tickets(), row("last-week", "succeeded", run="9", step=200, steps=200)])
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    await pilot.press("v")
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    return pilot.app.screen.query_one(LossChart)


async def test_v_draws_an_earlier_run_and_takes_it_away_again(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        chart = await compared(pilot, engine)
        assert "9 last-week by step" in shown(pilot.app)
        assert "at step 200" in shown(pilot.app), "they are compared where both have been"
        assert ms.Unwatch(front="front", run="9") in engine.sent, "nothing more is heard of it"
        await pilot.press("v")
        await settle(pilot)
        assert chart.ghost is None
        assert "last-week" not in shown(pilot.app)


async def test_percent_lays_it_over_by_share_of_the_run(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await compared(pilot, engine)
        await pilot.press("percent_sign")
        await settle(pilot)
        assert "9 last-week by share" in shown(pilot.app)
        assert "at step 412" in shown(pilot.app)


async def test_another_open_run_begins_without_one(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        chart = await compared(pilot, engine)
        pilot.app.open_run("9")
        await settle(pilot)
        assert chart.ghost is None


async def test_without_another_run_the_key_says_so(opened: Any, engine: FakeEngine) -> None:
    engine.list([tickets()])
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("v")
        await settle(pilot)
        said = "\n".join(notice.message for notice in pilot.app._notifications)
        assert "There is no earlier run to compare with." in said


def test_by_share_the_two_ends_meet_and_by_step_nothing_moves() -> None:
    ghost = Ghost(earlier(200))
    assert ghost.losses(1200) == ghost.state.loss.points()
    assert ghost.end(1200) == 200
    ghost.by_share = True
    assert ghost.end(1200) == 1200
    assert [x for x, _, _, _ in ghost.losses(1200)] == [6 * step for step in range(1, 201)]
    ghost.state.steps = 400
    assert ghost.losses(1200)[-1][0] == 600, "a run that ended half way ends half way"
