"""The demo's screen: its stages from the maker's and the run's events, its answers, and what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import events as ev
from engine import messages as ms
from engine.starter.cache import Plan, model_folder
from tests.tui.conftest import settle
from tests.tui.fake_engine import NOW, FakeEngine, state_of
from tests.tui.screen_picture import as_found_good, shown

RUN = "7"
SIDE = "side-1-1"
PROMPTS = ("What did Nora see by the river?", "Tom found a red boat.")
MAKING = [
    ev.Phase(t=NOW, name="loading libraries"),
    ev.Phase(t=NOW + 1, name="making the tokenizer", detail="from 14,000 tales"),
    ev.Phase(t=NOW + 3, name="training the starter model", detail="1,033,344 parameters"),
    ev.Progress(t=NOW + 4, done=1, total=850, unit="steps"),
    ev.Progress(t=NOW + 24, done=401, total=850, unit="steps"),
]
RUNNING: list[ev.AnyEvent] = [
    ev.Created(t=NOW, run=RUN, name="demo", model="/h/starter/starter-1M", data=["/h/rows.jsonl"]),
    ev.Started(t=NOW, pid=4, host="box", device="cpu"),
    ev.Planned(t=NOW, steps=320, epochs=5, rows=912, eval_rows=48, tokens=9000, label_tokens=5000,
               trainable=70_000, parameters=1_100_000, batch_rows=16),
    *(ev.Sampled(t=NOW, step=0, prompt=prompt, text="Once there was a cat who liked to play.")
      for prompt in PROMPTS),
    ev.Evaluated(t=NOW, step=0, loss=4.2, label_tokens=900, seconds=0.5),
    ev.Phase(t=NOW, name="training"),
]  # fmt: skip


def step(number: int, t: float) -> ev.Step:
    return ev.Step(t=t, step=number, loss=1.5, lr=1e-3, grad_norm=1.0, tokens=900, label_tokens=500,
                   seconds=0.1, epoch=number / 60)  # fmt: skip


ENDING: list[ev.AnyEvent] = [
    *(step(number, NOW + number / 10) for number in range(200, 321, 40)),
    *(ev.Sampled(t=NOW + 33, step=320, prompt=prompt,
                 text="Ship's log. At the fourth watch Nora saw a heron by the river. All hands glad.")
      for prompt in PROMPTS),
    ev.Evaluated(t=NOW + 33, step=320, loss=1.4, label_tokens=900, seconds=0.5, best=True),
    ev.Finished(t=NOW + 34, run=RUN, outcome="succeeded", steps=320, loss=1.4, adapter="/h/runs/7/adapter"),
]  # fmt: skip


async def begin(pilot: Any, engine: FakeEngine) -> ms.Begin:
    await pilot.press("D")
    await settle(pilot)
    [begin] = engine.asked(ms.Begin)
    assert isinstance(begin, ms.Begin)
    engine.push(ms.Accepted(request=begin.request, run=SIDE))
    return begin


async def make(pilot: Any, engine: FakeEngine) -> None:
    """The model is made and the run is submitted and accepted."""
    await begin(pilot, engine)
    for event in MAKING:
        engine.push(ms.Said(side=SIDE, body=ev.encode(event)))
    engine.push(ms.Ended(side=SIDE))
    await settle(pilot)
    await pilot.app.workers.wait_for_complete()
    [submit] = engine.asked(ms.Submit)
    assert isinstance(submit, ms.Submit)
    assert submit.name == "demo"
    engine.states[RUN] = state_of(RUNNING)
    engine.push(ms.Accepted(request=submit.request, run=RUN))
    row = ms.RunRow(run=RUN, name="demo", status="running", model="m", data=["d"], created=NOW, updated=NOW)
    engine.push(ms.Runs(rows=[row]))
    await settle(pilot)


@pytest.fixture(autouse=True)
def _home(engine: FakeEngine, tmp_path: Path) -> None:
    """A home in which the model lies as its maker leaves it, and no run yet."""
    engine.home = str(tmp_path)
    model_folder(tmp_path).mkdir(parents=True)
    engine.list([])


async def test_the_first_screen_offers_it_and_the_key_begins_it(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        assert "see it happen" in shown(pilot.app)
        asked = await begin(pilot, engine)
        assert asked.job == "starter"
        assert msgspec.json.decode(asked.spec, type=Plan) == Plan()


async def test_making_is_shown_with_the_time_left(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await begin(pilot, engine)
        for event in MAKING:
            engine.push(ms.Said(side=SIDE, body=ev.encode(event)))
        await settle(pilot)
        text = shown(pilot.app)
        assert "✓ a tokenizer" in text
        assert "22 s left" in text
        assert "1,033,344 parameters" in text


async def test_the_first_answers_are_shown_while_it_is_tuned(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await make(pilot, engine)
        engine.happened(RUN, step(100, NOW + 10))
        await settle(pilot)
        text = shown(pilot.app)
        assert "step 100 of 320, loss 1.500" in text
        assert "Once there was a cat" in text
        assert "Ship's log" not in text


async def test_in_the_end_each_prompt_has_both_answers(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await make(pilot, engine)
        engine.now += 95
        engine.happened(RUN, *ENDING)
        await settle(pilot)
        text = shown(pilot.app)
        assert "made and tuned in 1 m 35 s" in text
        assert "4.200 before, 1.400 after" in text
        for words in (*PROMPTS, "Once there was a cat", "Ship's log."):
            assert words in text
        await pilot.press("enter")
        await settle(pilot)
        assert pilot.app.current_mode == "train"


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 20)], ids=["80x24", "120x36", "60x20"])
@pytest.mark.parametrize("scene", ["making", "tuning", "told", "failed"])
async def test_the_screen_is_as_it_was_found_good(
    scene: str, size: tuple[int, int], opened: Any, engine: FakeEngine
) -> None:
    async with opened(*size) as pilot:
        if scene in ("making", "failed"):
            await begin(pilot, engine)
        else:
            await make(pilot, engine)
        engine.now += 40
        if scene == "making":
            for event in MAKING:
                engine.push(ms.Said(side=SIDE, body=ev.encode(event)))
        elif scene == "tuning":
            engine.happened(RUN, *(step(number, NOW + number / 10) for number in range(20, 101, 20)))
        elif scene == "told":
            engine.happened(RUN, *ENDING)
        else:
            said = "The process of the starter was killed by SIGKILL without a word."
            problem = {
                "what": said,
                "where": "/h/side.log",
                "why": "Memory may have run out.",
                "do": "Look there.",
            }
            engine.push(ms.Ended(side=SIDE, problem=problem))
        await settle(pilot)
        as_found_good(pilot.app, f"demo-{scene}-{size[0]}x{size[1]}")


async def test_a_maker_that_fails_says_why_and_can_be_asked_again(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await begin(pilot, engine)
        problem = {"what": "The disk is full.", "where": "/h/starter", "why": "", "do": "Make room."}
        engine.push(ms.Ended(side=SIDE, problem=problem))
        await settle(pilot)
        text = shown(pilot.app)
        for words in ("✗ a tokenizer", "The disk is full.", "Make room.", "tries again"):
            assert words in text
        await pilot.press("R")
        await settle(pilot)
        assert len(engine.asked(ms.Begin)) == 2
        assert "The disk is full." not in shown(pilot.app)


async def test_a_run_that_fails_says_why(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await make(pilot, engine)
        engine.happened(
            RUN, ev.Failed(t=NOW, run=RUN, steps=3, what="Memory ran out.", do="Close something.")
        )
        await settle(pilot)
        text = shown(pilot.app)
        assert "Memory ran out." in text
        assert "Close something." in text


async def test_the_demo_goes_on_while_another_run_is_looked_at(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await make(pilot, engine)
        await pilot.press("1")
        pilot.app.session.watch("other")
        await pilot.press("D")
        engine.happened(RUN, *ENDING)
        await settle(pilot)
        assert len(engine.asked(ms.Begin)) == 1
        assert "Ship's log." in shown(pilot.app)


async def test_the_command_line_opens_the_app_with_it(opened: Any, engine: FakeEngine) -> None:
    async with opened(first="demo") as pilot:
        await settle(pilot)
        assert pilot.app.current_mode == "demo"
        assert len(engine.asked(ms.Begin)) == 1
