"""Keys become requests to the engine, its answers become notices, and what does nothing says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import events as ev
from engine import messages as ms
from engine.events import HUB
from engine.run_dir import RunDir
from engine.run_state import RunState
from openlora_tui.modals.ask import Ask
from tests.tui.conftest import settle
from tests.tui.fake_engine import RUN, FakeEngine, row, tickets
from tests.tui.screen_picture import shown


def told(app: Any) -> str:
    return "\n".join(notice.message for notice in app._notifications)


async def test_enter_opens_the_selected_run_and_watches_it(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        assert engine.asked(ms.Watch)[-1] == ms.Watch(front="front", run=RUN)
        assert "412 / 1,200" in shown(pilot.app)


@pytest.mark.parametrize(
    ("key", "status", "verb"),
    [
        ("p", "running", "pause"),
        ("p", "paused", "continue"),
        ("s", "running", "save"),
        ("r", "stopped", "resume"),
        ("r", "failed", "resume"),
        ("H", "queued", "hold"),
        ("less_than_sign", "queued", "sooner"),
        ("greater_than_sign", "queued", "later"),
    ],
)
@pytest.mark.parametrize("place", ["runs", "train"])
async def test_a_key_acts_on_the_run(
    key: str, status: str, verb: str, place: str, opened: Any, engine: FakeEngine
) -> None:
    engine.list([tickets(status)])
    async with opened() as pilot:
        if place == "train":
            await pilot.press("enter")
            await settle(pilot)
        await pilot.press(key)
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert (act.run, act.verb) == (RUN, verb)


@pytest.mark.parametrize(
    ("keys", "devices"),
    [("down,enter", "auto"), ("enter", ""), ("0,comma,1,enter", "0,1"), ("down,down,enter", "cpu")],
)
async def test_a_waiting_run_is_pinned_to_what_is_picked_or_typed(
    keys: str, devices: str, opened: Any, engine: FakeEngine
) -> None:
    engine.list([tickets("queued")])
    async with opened() as pilot:
        await pilot.press("P")
        await settle(pilot)
        await pilot.press(*keys.split(",")[:-1])
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert (act.run, act.verb, act.settings) == (RUN, "pin", {"devices": devices})


@pytest.mark.parametrize(("keys", "rate"), [("5,e,minus,5", "5e-05"), ("", "0.0001")])
async def test_another_rate_is_typed_or_picked(keys: str, rate: str, opened: Any, engine: FakeEngine) -> None:
    engine.states[RUN].peak_rate = 2e-4
    async with opened() as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("b")
        await settle(pilot)
        assert "half of 0.0002" in shown(pilot.app)
        if keys:
            await pilot.press(*keys.split(","))
            await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert (act.run, act.verb, act.settings) == (RUN, "rate", {"learning_rate": rate})


async def test_a_refusal_is_shown_with_its_reason(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("s")
        engine.refuse(what="The run cannot be saved.", why="The disk is full.", do="Make room in /data.")
        await settle(pilot)
        assert told(pilot.app) == "The run cannot be saved.\nThe disk is full.\nMake room in /data."


async def test_a_request_that_an_engine_left_open_is_not_forgotten(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("s")
        engine.start()
        await settle(pilot)
        assert "ended before it answered" in told(pilot.app)


@pytest.mark.parametrize(("key", "verb"), [("S", "stop"), ("K", "kill")])
async def test_stop_and_kill_ask_with_the_cursor_on_cancel(
    key: str, verb: str, opened: Any, engine: FakeEngine
) -> None:
    async with opened() as pilot:
        await pilot.press(key, "enter")
        assert not engine.asked(ms.Act)
        await pilot.press(key, "j", "enter")
        assert [act.verb for act in engine.asked(ms.Act)] == [verb]  # type: ignore[attr-defined]


async def test_delete_asks_and_a_live_run_cannot_be_deleted(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("d")
        assert "S stops it first" in told(pilot.app)
        await pilot.press("j", "j")
        await pilot.press("d")
        assert isinstance(pilot.app.screen, Ask)
        await pilot.press("j", "enter")
        assert [act.verb for act in engine.asked(ms.Act)] == ["delete"]  # type: ignore[attr-defined]


async def test_a_dim_key_says_why(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("r")
        assert "has not ended" in told(pilot.app)
        assert not engine.asked(ms.Act)


async def test_without_an_engine_the_keys_say_so(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        engine.connected, engine.trouble = False, "The socket is gone."
        await settle(pilot)
        await pilot.press("p")
        assert told(pilot.app) == "The socket is gone."


async def test_copy_takes_the_adapter_or_the_run_id(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("y")
        assert pilot.app.clipboard == RUN
        await pilot.press("j", "j")
        await pilot.press("y")
        assert pilot.app.clipboard == "/home/me/openlora/runs/run-qwen-math/adapter"


async def test_slash_filters_and_escape_shows_all_again(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("slash", *"failed", "enter")
        await settle(pilot)
        assert "banking77" in shown(pilot.app)
        assert "gsm8k" not in shown(pilot.app)
        await pilot.press("slash", "escape")
        await settle(pilot)
        assert "gsm8k" in shown(pilot.app)


async def test_ctrl_c_never_quits(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("ctrl+c")
        assert "ctrl+q quits" in told(pilot.app)
        assert pilot.app.is_running


@pytest.mark.parametrize(("ascii_only", "arrow"), [(False, "←"), (True, "<")])
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36)])
async def test_a_run_says_which_runs_it_comes_from(
    opened: Any, engine: FakeEngine, size: tuple[int, int], ascii_only: bool, arrow: str
) -> None:
    engine.list([tickets(lineage=["3", "1"])])
    async with opened(*size, ascii_only=ascii_only) as pilot:
        assert "/models/Qwen2.5-1.5B" in shown(pilot.app)
        assert f"from run 3 {arrow} 1" in shown(pilot.app)


async def test_a_run_whose_model_is_fetched_has_nothing_to_pause(opened: Any, engine: FakeEngine) -> None:
    engine.list([msgspec.structs.replace(tickets(), device=HUB)])
    async with opened() as pilot:
        await pilot.press("p")
        await settle(pilot)
        assert engine.asked(ms.Act) == []
        assert "being fetched" in told(pilot.app)


async def test_all_live_runs_are_stopped_once_that_is_confirmed(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("A")
        assert isinstance(pilot.app.screen, Ask)
        assert "Stop all 2 live runs?" in shown(pilot.app)
        await pilot.press("enter")
        assert engine.asked(ms.Act) == []
        await pilot.press("A", "j", "enter")
        await settle(pilot)
        asked = [(act.run, act.verb) for act in engine.asked(ms.Act) if isinstance(act, ms.Act)]
        assert asked == [("run-next-one", "stop"), (RUN, "stop")]
        assert "2 runs save and stop" in told(pilot.app)


async def test_with_no_live_run_there_is_nothing_to_stop(opened: Any, engine: FakeEngine) -> None:
    engine.list([tickets("stopped")])
    async with opened() as pilot:
        await pilot.press("A")
        assert "No run is live" in told(pilot.app)


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (f"/home/me/openlora/runs/{RUN}/adapter", "checkpoints and its adapter"),
        ("/data/mine", "The adapter stays: /data/mine"),
        (None, "goes with its checkpoints; there"),
    ],
)
async def test_a_delete_says_what_goes_and_what_stays(
    adapter: str | None, said: str, opened: Any, engine: FakeEngine
) -> None:
    engine.list([tickets("stopped", adapter=adapter)])
    async with opened(120, 30) as pilot:
        await pilot.press("d")
        text = " ".join(shown(pilot.app).replace("│", " ").split())
        assert said in text


async def test_a_finished_run_is_given_more_epochs_and_a_course_of_the_rate(
    opened: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.home = str(tmp_path)
    folder = RunDir(tmp_path, "7").path
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("model: m\ndata: d.jsonl\nlearning_rate: 1e-3\n")
    plan = ev.Planned(steps=30, epochs=3.0, rows=80, eval_rows=4, tokens=1, label_tokens=1, trainable=1,
                      parameters=1, precision="fp32", device="cpu", batch_rows=8)  # fmt: skip
    saved = ev.Saved(step=30, path="p", bytes=1, seconds=0.0)
    engine.states["7"] = RunState(
        run="7", name="support", status="succeeded", plan=plan, step=30, steps=30, epoch=3.0, checkpoint=saved
    )
    engine.list([row("support", "succeeded", run="7")])
    async with opened() as pilot:
        await pilot.press("r")
        await settle(pilot)
        assert "3 epochs done, 30 steps" in shown(pilot.app)
        assert not engine.asked(ms.Act)
        await pilot.press("backspace", "3", "enter")
        assert "has done 3 epochs already" in shown(pilot.app)
        await pilot.press("backspace", "5")
        await settle(pilot)
        assert "20 more steps" in shown(pilot.app)
        await pilot.press("down", "enter")
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert (act.run, act.verb) == ("7", "resume")
        assert act.settings == {"num_train_epochs": "5", "restart_step": "30"}
        assert ms.Unwatch(front="front", run="7") in engine.sent
