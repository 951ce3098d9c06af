"""The advisor beside a place: what it shows, and what a person has it do; a dead run tells why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import events as ev
from engine import messages as ms
from engine.lessons.dismissals import standing_in
from engine.line import Line
from engine.local_model import talk
from engine.preflight import talk as checks
from engine.preflight.verdict import Verdict
from engine.remarks import Dismissed, Said
from openlora_tui.app import OpenLoraApp
from openlora_tui.modals.advisor import AdvisorPage
from openlora_tui.modals.apply_patch import ApplyPatch
from openlora_tui.modals.findings import Findings
from openlora_tui.modals.readers import LogReader
from openlora_tui.widgets.advisor_view import AdvisorView, AskLine
from tests.tui.advised import NOTE, RUN, AdvisedEngine, dead, healthy, lay, noticed
from tests.tui.conftest import settle
from tests.tui.screen_picture import shown


@pytest.fixture
def engine() -> AdvisedEngine:
    """An engine with an advisor."""
    return AdvisedEngine()


async def until(pilot: Pilot[Any], done: Callable[[], bool]) -> None:
    """Take in what comes until `done`, for ten seconds at most."""
    for _ in range(400):
        await settle(pilot)
        if done():
            return
        await asyncio.sleep(0.025)
    raise AssertionError(shown(pilot.app))  # type: ignore[arg-type]


@asynccontextmanager
async def beside(
    engine: AdvisedEngine, size: tuple[int, int] = (120, 36), **options: Any
) -> AsyncIterator[Pilot[Any]]:
    """The app on another engine than the fixture's."""
    options.setdefault("colours", "full")
    app = OpenLoraApp(lambda: engine, clock=lambda: engine.now, **options)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await settle(pilot)
        yield pilot


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


def remarks(engine: AdvisedEngine) -> list[Any]:
    return [m.remark for m in engine.asked(ms.Act) if isinstance(m, ms.Act) and m.verb == "remark"]


def acts(engine: AdvisedEngine) -> list[tuple[str, dict[str, str]]]:
    return [(m.verb, m.settings) for m in engine.asked(ms.Act) if isinstance(m, ms.Act)]


async def test_one_key_opens_it_goes_to_it_and_closes_it(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a")
        view = pilot.app.screen.query_one(AdvisorView)
        assert view.display
        assert view.listed.has_focus
        assert "2.06 at" in shown(pilot.app)
        await press(pilot, "escape")
        assert view.display
        assert pilot.app.focused is None
        await press(pilot, "a", "a")
        assert not view.display
        assert [one for one in shown(pilot.app).splitlines() if "tok/s" in one]


async def test_it_stays_open_from_place_to_place_and_each_place_keeps_its_keys(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "a", "escape", "enter")
        assert pilot.app.current_mode == "train"
        assert "Advisor  run 42" in shown(pilot.app)
        await press(pilot, "p")
        assert acts(engine) == [("pause", {})]


async def test_on_a_narrow_screen_it_has_a_screen_of_its_own(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(80, 24) as pilot:
        await press(pilot, "enter")
        assert "a advisor" in shown(pilot.app)
        await press(pilot, "a")
        assert isinstance(pilot.app.screen, AdvisorPage)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Findings)
        assert "evidence" in shown(pilot.app)
        await press(pilot, "escape", "a")
        assert len(pilot.app.screen_stack) == 1


async def test_a_terminal_that_grows_narrow_takes_the_pane_away_and_gives_it_back(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "Advisor" not in shown(pilot.app)
        assert pilot.app.focused is None
        await pilot.resize_terminal(120, 36)
        await settle(pilot)
        assert "Advisor" in shown(pilot.app)


async def test_what_past_runs_say_stands_with_the_finding(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a")
        text = shown(pilot.app)
        assert "run 39 tried" in text
        assert "that helped" in text
        assert "met before in run 39" in text


async def test_all_is_well_in_one_line(opened: Any, engine: AdvisedEngine, home: Path) -> None:
    lay(engine, home, healthy())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a")
        assert "All is well" in shown(pilot.app)
        assert "The loss fell from" in shown(pilot.app)


async def test_a_live_run_gets_another_rate_once_the_change_was_seen(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a", "p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApplyPatch))
        text = shown(pilot.app)
        assert "- learning_rate: 2e-4   # as in the paper" in text
        assert "+ learning_rate: 1e-4   # as in the paper" in text
        assert acts(engine) == []
        await press(pilot, "enter")
        await until(pilot, lambda: acts(engine) != [])
        assert acts(engine) == [("rate", {"learning_rate": "1e-4"})]


async def test_a_change_goes_into_a_new_recipe(opened: Any, engine: AdvisedEngine, home: Path) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a", "p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApplyPatch))
        await press(pilot, "j", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "recipe")
        assert pilot.app.draft.value("learning_rate") == 1e-4
        assert pilot.app.draft.value("lora_r") == 16
        assert (home / "runs" / RUN / "recipe.yaml").read_text().count("2e-4") == 1


async def test_a_finding_is_put_aside_with_a_reason_and_taken_back(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a", "x", *"known", "down", "enter")
        await until(pilot, lambda: remarks(engine) != [])
        said = remarks(engine)[0]
        assert isinstance(said, Dismissed)
        assert (said.found, said.scope, said.reason) == ("loss_spike_divergence", "dataset", "known")
        engine.happened(RUN, said)
        await settle(pilot)
        assert "aside The loss jumped" in shown(pilot.app)
        assert "1 note" in shown(pilot.app)
        assert "warning" not in [w for line in shown(pilot.app).splitlines() for w in line.split()[-2:]]
        await press(pilot, "G", "x")
        await until(pilot, lambda: len(remarks(engine)) == 2)
        assert remarks(engine)[1].undone


async def test_what_is_about_no_run_is_kept_in_the_home(
    opened: Any, engine: AdvisedEngine, home: Path, work: Path
) -> None:
    lay(engine, home, healthy())
    async with opened(120, 36) as pilot:
        (work / "mine.yaml").write_text("model: ./model\ndata: rows.csv\n")
        pilot.app.open_recipe(work / "mine.yaml")
        await until(pilot, lambda: pilot.app.current_mode == "recipe")
        screen = pilot.app.screen
        await until(pilot, lambda: "preflight" in [m.job for m in engine.asked(ms.Begin)])
        number = screen.preflight._number
        told = checks.Told(number=number, verdict=Verdict(findings=[NOTE]), done=True)
        screen.preflight._said(checks.encode(told))
        await press(pilot, "a")
        assert "14 rows are there twice" in shown(pilot.app)
        await press(pilot, "x", "enter")
        await until(pilot, lambda: bool(standing_in(home)))
        assert [(one.found, one.scope) for one in standing_in(home)] == [("duplicates", "dataset")]
        await until(pilot, lambda: "aside 14 rows" in shown(pilot.app))


async def test_a_question_is_answered_by_rules_and_noted_at_the_chart(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a", "i", *"hm")
        line = pilot.app.screen.query_one(AskLine)
        line.value = "why did the loss jump at 310?"
        await press(pilot, "enter")
        await until(pilot, lambda: "by rules" in shown(pilot.app))
        exchange = pilot.app.asking.exchanges[0]
        assert exchange.answer is not None
        assert exchange.answer.cites == [1]
        await press(pilot, "escape", "w")
        await until(pilot, lambda: remarks(engine) != [])
        said = remarks(engine)[0]
        assert isinstance(said, Said)
        assert (said.step, said.by, said.cites) == (310, "advisor", ["loss_spike_divergence"])
        engine.happened(RUN, said)
        await press(pilot, "escape", "m")
        assert pilot.app.screen.chart.marks[-1].kind in ("said", "saved")
        assert [mark for mark in pilot.app.screen.chart.marks if mark.kind == "said"]


async def test_an_answer_streams_and_can_be_stopped(home: Path) -> None:
    def slow(spec: bytes, line: Line) -> None:
        line.say(talk.encode(talk.Ready(model="tiny-model")))
        number = 0
        while True:
            body = line.hear(0.05)
            said = talk.to_worker(body) if body is not None else None
            if isinstance(said, talk.Question):
                number = said.number
                line.say(talk.encode(talk.Piece(number=number, text="The gradient was ")))
            elif isinstance(said, talk.Cancel):
                whole = talk.Answer(number=number, text="The gradient was", by="model", cancelled=True)
                line.say(talk.encode(whole))

    engine = AdvisedEngine(slow)
    lay(engine, home, noticed())
    async with beside(engine) as pilot:
        await press(pilot, "enter", "a", "i", "w", "h", "y", "enter")
        await until(pilot, lambda: "The gradient was" in shown(pilot.app))
        assert "tiny-model" in shown(pilot.app)
        assert pilot.app.asking.answering is not None
        await press(pilot, "escape")
        await until(pilot, lambda: pilot.app.asking.answering is None)
        assert "stopped" in shown(pilot.app)


async def test_an_advisor_that_dies_says_so_and_is_asked_again(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, noticed())
    async with opened(120, 36) as pilot:
        await press(pilot, "enter", "a", "i")
        await until(pilot, lambda: pilot.app.asking.ready is not None)
        side = next(iter(engine.jobs))
        engine.jobs[side].leave()
        engine.jobs.clear()
        pilot.app.asking.ask(talk.Question(number=0, text="what next?"))
        engine.push(ms.Ended(side=side, problem={"what": "The worker was killed."}))
        await until(pilot, lambda: "The worker was killed." in shown(pilot.app))
        await press(pilot, "n", "e", "x", "t", "question_mark", "enter")
        await until(pilot, lambda: "by rules" in shown(pilot.app))


async def test_a_person_notes_a_step_at_the_chart(opened: Any, engine: AdvisedEngine, home: Path) -> None:
    lay(engine, home, noticed())
    async with opened(80, 24) as pilot:
        await press(pilot, "enter", "m", "left", "w", *"lunch", "enter")
        said = remarks(engine)[0]
        assert (said.text, said.by) == ("lunch", "you")
        assert said.step == pilot.app.screen.chart.chosen_step


async def test_a_dead_run_tells_what_happened_why_and_what_to_do(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    lay(engine, home, dead(), "failed")
    async with opened(80, 24) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "line 5 of 6" in shown(pilot.app))
        text = shown(pilot.app)
        assert "happened  The GPU ran out of memory at step 412." in text
        assert "The longest rows of the data need more than the card has." in text
        assert "enter per_device_train_batch_size 4 -> 2" in text
        assert "▌5 torch.OutOfMemoryError" in text
        await press(pilot, "l")
        await until(pilot, lambda: isinstance(pilot.app.screen, LogReader))
        assert "▌5 torch.OutOfMemoryError" in shown(pilot.app)
        await press(pilot, "escape", "z")
        assert "happened" not in shown(pilot.app)
        await press(pilot, "z", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApplyPatch))
        assert "+ per_device_train_batch_size: 2" in shown(pilot.app)


async def test_what_was_noticed_on_the_way_is_not_taken_for_the_cause(
    opened: Any, engine: AdvisedEngine, home: Path
) -> None:
    events = [e for e in noticed() if not isinstance(e, ev.Failed)]
    ended = ev.Failed(t=events[-1].t, run=RUN, steps=412, what="The worker is gone.")
    lay(engine, home, [*events, ended], "failed")
    (home / "runs" / RUN / "console.log").write_text("")
    async with opened(80, 24) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "looking for the cause" not in shown(pilot.app))
        text = shown(pilot.app)
        assert "noticed   The loss jumped" in text
        assert "because   No rule knows this end" in text
        assert "enter mend" not in text
