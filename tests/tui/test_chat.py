"""Chat, by keys: whom it is with, what is asked, what comes back, and what the screen says meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual import events

from engine import messages as ms
from engine.chat import spoken
from engine.chat.spoken import Ask, Begun, Done, Piece, Sampling, Stop
from openlora_tui.screens.chat import ChatScreen
from tests.tui.chat_worker import READY, ChatWorker, finished
from tests.tui.conftest import settle
from tests.tui.fake_engine import RUN, FakeEngine
from tests.tui.screen_picture import shown


@pytest.fixture
def worker(engine: FakeEngine) -> ChatWorker:
    """The run has left an adapter, and whoever asks for a chat gets this worker."""
    finished(engine)
    return ChatWorker(engine)


async def opened_chat(pilot: Any, worker: ChatWorker) -> ChatScreen:
    await pilot.press("c")
    await settle(pilot)
    worker.begin()
    worker.say(READY)
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ChatScreen)
    return screen


async def type_and_send(pilot: Any, text: str) -> None:
    await pilot.press(*("space" if char == " " else char for char in text), "enter")
    await settle(pilot)


async def test_a_finished_run_offers_it_and_c_opens_it(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        assert "c chat" in shown(pilot.app)
        await pilot.press("enter")
        await settle(pilot)
        assert "c chat" in shown(pilot.app)
        await pilot.press("c")
        await settle(pilot)
        spec = worker.begin()
        assert (spec.model, spec.run, spec.form) == ("/models/Qwen2.5-1.5B", RUN, "chat")
        assert spec.adapter.endswith("/adapter")
        assert "loading" in shown(pilot.app)
        worker.say(READY)
        await settle(pilot)
        assert "My parcel is not here." in shown(pilot.app)


async def test_a_run_without_an_adapter_says_so(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert ["left no adapter" in notice.message for notice in pilot.app._notifications] == [True]
        assert engine.asked(ms.Begin) == []


async def test_both_sides_stream_beside_each_other(opened: Any, worker: ChatWorker) -> None:
    async with opened(120, 36) as pilot:
        await opened_chat(pilot, worker)
        await type_and_send(pilot, "where is it")
        ask = worker.ask()
        assert {side: turns[-1].content for side, turns in ask.turns.items()} == {
            "base": "where is it",
            "adapter": "where is it",
        }
        assert "reading the prompt" in shown(pilot.app)
        worker.answer(ask, base="On the moon.", adapter="On its way.")
        await settle(pilot)
        [line] = [line for line in shown(pilot.app).splitlines() if "On the moon." in line]
        assert "On its way." in line
        assert "31.0 tok/s" in shown(pilot.app)


async def test_the_next_turn_tells_each_side_its_own_past(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        await opened_chat(pilot, worker)
        await type_and_send(pilot, "one")
        worker.answer(worker.ask(), base="b", adapter="a")
        await settle(pilot)
        await type_and_send(pilot, "two")
        turns = worker.ask().turns
        assert [turn.content for turn in turns["base"]] == ["one", "b", "two"]
        assert [turn.content for turn in turns["adapter"]] == ["one", "a", "two"]


async def test_escape_stops_the_answer_then_leaves_the_line_then_the_chat(
    opened: Any, worker: ChatWorker
) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        await type_and_send(pilot, "one")
        await pilot.press("escape")
        await settle(pilot)
        assert worker.heard()[-1] == Stop()
        worker.answer(worker.ask(), base="b", adapter="a", stopped_by="asked")
        await settle(pilot)
        assert "stopped" in shown(pilot.app)
        await pilot.press("escape")
        await settle(pilot)
        assert not screen.line.has_focus
        await pilot.press("i")
        await settle(pilot)
        assert screen.line.has_focus
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert pilot.app.current_mode == "train"


async def test_tab_chooses_who_answers_and_ctrl_r_asks_again(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        screen.conversation.sampling = Sampling(temperature=0.7)
        await pilot.press("tab")
        await settle(pilot)
        await type_and_send(pilot, "one")
        ask = worker.ask()
        assert list(ask.turns) == ["adapter"]
        worker.answer(ask, adapter="a")
        await settle(pilot)
        await pilot.press("tab", "ctrl+r")
        await settle(pilot)
        again = worker.ask()
        assert list(again.turns) == ["base"]
        assert [turn.content for turn in again.turns["base"]] == ["one"]
        assert again.sampling.seed == 1
        assert again.number > ask.number


async def test_suggestions_and_earlier_prompts_come_back_by_up(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        await pilot.press("d", "r", "a", "f", "t", "up")
        await settle(pilot)
        assert screen.line.text == READY.suggestions[0]
        await pilot.press("up")
        assert screen.line.text == READY.suggestions[1]
        await pilot.press("down", "down")
        assert screen.line.text == "draft"


async def test_keys_that_come_in_one_burst_keep_their_order(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        for key, character in (("up", None), ("enter", "\r"), ("h", "h"), ("o", "o")):
            pilot.app.post_message(events.Key(key, character))
        await settle(pilot)
        assert worker.ask().turns["base"][-1].content == READY.suggestions[0]
        assert screen.line.text == "ho"


async def test_a_prompt_waits_for_the_model(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        await pilot.press("c")
        await settle(pilot)
        worker.begin()
        await settle(pilot)
        await type_and_send(pilot, "too soon")
        assert worker.heard() == []
        assert pilot.app.screen.line.text == "too soon"


async def test_ctrl_j_begins_a_line_and_the_line_grows(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        await pilot.press("a", "ctrl+j", "b")
        await settle(pilot)
        assert screen.line.size.height == 2
        await pilot.press("enter")
        await settle(pilot)
        assert worker.ask().turns["base"][-1].content == "a\nb"
        assert screen.line.size.height == 1


async def test_what_the_model_says_cannot_steer_the_terminal(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        await opened_chat(pilot, worker)
        await type_and_send(pilot, "one")
        worker.answer(worker.ask(), base="[bold]b\x1b[2J", adapter="a")
        await settle(pilot)
        assert "[bold]b␛[2J" in shown(pilot.app)


async def test_sampling_is_set_in_a_dialogue_that_names_mistakes(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        await pilot.press("ctrl+g", "ctrl+u", "9", "9", "enter")
        await settle(pilot)
        assert "temperature cannot be 99" in shown(pilot.app)
        await pilot.press("backspace", "backspace", "0", ".", "5", "enter")
        await settle(pilot)
        assert screen.conversation.sampling.temperature == 0.5
        assert "temperature 0.5" in shown(pilot.app)


async def test_the_form_can_be_changed_and_is_told_apart_from_training(
    opened: Any, worker: ChatWorker
) -> None:
    async with opened() as pilot:
        await opened_chat(pilot, worker)
        assert "as in training" in shown(pilot.app)
        await pilot.press("f8")
        await settle(pilot)
        assert "unlike training" in shown(pilot.app)
        await type_and_send(pilot, "one")
        assert worker.ask().form == "verbatim"


async def test_what_was_said_is_saved_as_rows_and_copied(
    opened: Any, worker: ChatWorker, tmp_path: Path
) -> None:
    async with opened() as pilot:
        await opened_chat(pilot, worker)
        await type_and_send(pilot, "one")
        worker.answer(worker.ask(), base="b", adapter="a")
        await settle(pilot)
        await pilot.press("ctrl+s", "escape", "y")
        await settle(pilot)
        assert pilot.app.clipboard == "a"
    [line] = (tmp_path / "work" / "chat-support-tickets.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert [message["content"] for message in row["messages"]] == ["one", "a"]


async def test_a_worker_that_died_is_explained_and_can_be_tried_again(
    opened: Any, worker: ChatWorker, engine: FakeEngine
) -> None:
    async with opened() as pilot:
        await opened_chat(pilot, worker)
        await type_and_send(pilot, "one")
        worker.die("The process of the chat was killed by SIGKILL without a word.")
        await settle(pilot)
        assert "SIGKILL" in shown(pilot.app)
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert len(engine.asked(ms.Begin)) == 2
        worker.begin()
        worker.say(READY)
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert worker.ask().turns["base"][-1].content == "one"


async def test_another_run_begins_anew_and_the_same_one_goes_on(opened: Any, worker: ChatWorker) -> None:
    async with opened() as pilot:
        screen = await opened_chat(pilot, worker)
        await type_and_send(pilot, "one")
        worker.answer(worker.ask(), base="b", adapter="a")
        await pilot.press("escape", "escape")
        await settle(pilot)
        await pilot.press("c")
        await settle(pilot)
        assert pilot.app.screen is screen
        assert len(worker.begun()) == 1
        assert "one" in shown(pilot.app)


async def test_a_model_by_itself_has_one_side(opened: Any, worker: ChatWorker, tmp_path: Path) -> None:
    folder = tmp_path / "work" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    async with opened() as pilot:
        await pilot.press("C")
        for _ in range(200):
            if pilot.app.screen.option is not None:
                break
            await pilot.pause(0.02)
        await pilot.press("enter")
        await settle(pilot)
        assert worker.begin().model == str(folder)
        worker.say(spoken.Ready(
            model=str(folder), adapter="", sides=["base"], context=None, form="verbatim", trained=None,
            template=False, sampling=Sampling(), device="cpu", dtype="float32", seconds=1,
        ))  # fmt: skip
        await settle(pilot)
        await type_and_send(pilot, "one")
        ask = worker.ask()
        assert list(ask.turns) == ["base"]
        assert isinstance(ask, Ask)
        worker.say(Begun(number=ask.number, side="base", tokens=3))
        worker.say(Piece(number=ask.number, side="base", text="tw"))
        await settle(pilot)
        assert "tw" in shown(pilot.app)
        done = Done(
            number=ask.number, side="base", text="two", tokens=1, tokens_per_second=9, stopped_by="stop"
        )
        worker.say(done)
        await settle(pilot)
        assert "two" in shown(pilot.app)
