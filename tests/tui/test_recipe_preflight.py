"""The Recipe screen checks the recipe by itself: what was found, what a key changes, what stops a start."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from engine import messages as ms
from engine.lessons.lesson import Lesson, ModelPrint, Seen
from engine.preflight import check
from openlora_tui.modals.ask import Ask
from openlora_tui.modals.preflight import PreflightFindings
from openlora_tui.screens.recipe import RecipeScreen
from tests.engine.preflight.conftest import write_rows
from tests.engine.preflight.making import model, write_tokenizer
from tests.tui.conftest import settle
from tests.tui.fake_checker import CheckingEngine
from tests.tui.fake_engine import RUN, FakeEngine
from tests.tui.recipe_driving import notice, opened_recipe, until
from tests.tui.screen_picture import as_found_good, shown

GOOD = "model: ./model\ndata: rows.jsonl\nmax_length: 256\n"
BLOCKED = f"{GOOD}target_modules: [q_proj, k_porj]   # as in the paper\nlearning_rate: 1e-5\n"


class Unable(FakeEngine):
    """Cannot begin a job."""

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.Begin):
            problem = {"what": "No process can be started.", "do": "End some."}
            self.push(ms.Refused(request=message.request, problem=problem))


@pytest.fixture
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(check, "gpus", list)
    # What it takes of memory depends on the machine, and has tests of its own.
    monkeypatch.setattr("openlora_tui.screens.recipe.at_once", lambda *_: None)
    monkeypatch.setattr("engine.preflight.serve._SECONDS", 600.0)
    # Only a process's main thread can be bounded, and the check works in a thread here.
    monkeypatch.setattr("engine.data.template.bounded", contextlib.nullcontext)
    made: FakeEngine = getattr(request, "param", CheckingEngine)()
    return made


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe that nothing is wrong with, its model and its rows."""
    work = tmp_path / "work"
    write_tokenizer(model(work / "model"), template=False)
    write_rows(work / "rows.jsonl")
    (work / "mine.yaml").write_text(GOOD)
    return work / "mine.yaml"


async def checked(pilot: Any, path: Path) -> RecipeScreen:
    """The recipe, opened and looked at."""
    screen = await opened_recipe(pilot, path)
    await known(pilot, screen)
    return screen


async def known(pilot: Any, screen: RecipeScreen) -> None:
    """Wait until the recipe as it is was looked at to the end."""
    await until(pilot, lambda: screen.preflight.done and screen.prospect.outlook is not None)


async def test_a_good_recipe_is_ready_and_nothing_else_is_said(opened: Any, recipe: Path) -> None:
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        assert screen.preflight.findings == []
        assert "✓ ready   400 rows" in shown(pilot.app)
        await pilot.press("f")
        await settle(pilot)
        assert "Nothing stands in the way." in shown(pilot.app)
        assert "14 layers" in shown(pilot.app)


async def test_what_was_found_is_counted_and_marked_at_its_field(opened: Any, recipe: Path) -> None:
    recipe.write_text(f"{GOOD}learning_rate: 1e-5\n")
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        assert "✓ ready · 1 warning   400 rows" in shown(pilot.app)
        assert "▲ Learning rate" in shown(pilot.app)
        screen.form.go("learning_rate")
        await settle(pilot)
        assert "A learning rate of 1e-5 is low for LoRA." in shown(pilot.app)


async def test_a_key_makes_the_change_and_another_takes_it_back(opened: Any, recipe: Path) -> None:
    recipe.write_text(f"{GOOD}learning_rate: 1e-5   # copied\n")
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        screen.form.go("learning_rate")
        await pilot.press("p")
        await settle(pilot)
        assert screen.draft.value("learning_rate") == 2e-4
        assert "learning_rate 1e-5 -> 2e-4" in notice(pilot)
        await known(pilot, screen)
        assert "warning" not in shown(pilot.app)
        await pilot.press("p")
        await settle(pilot)
        assert "Nothing is proposed for this field." in notice(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert screen.draft.value("learning_rate") == 1e-5
        await known(pilot, screen)
        assert "1 warning" in shown(pilot.app)


async def test_in_the_list_changes_are_made_one_after_the_other(opened: Any, recipe: Path) -> None:
    recipe.write_text(BLOCKED)
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        assert "✗ 1 blocker  No layer of the model is called k_porj." in shown(pilot.app)
        await pilot.press("f")
        await settle(pilot)
        assert "linear layers: q_proj 2, k_proj 2" in shown(pilot.app)
        await pilot.press("p")
        await known(pilot, screen)
        assert isinstance(pilot.app.screen, PreflightFindings)
        assert "k_porj" not in shown(pilot.app)
        assert screen.draft.value("target_modules") == ["q_proj", "k_proj"]
        await pilot.press("p")
        await known(pilot, screen)
        assert "Nothing stands in the way." in shown(pilot.app)
        await pilot.press("u", "u")
        await known(pilot, screen)
        assert "k_porj" in shown(pilot.app)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.draft.value("learning_rate") == 1e-5
        assert "# as in the paper" in screen.draft.text()


async def test_a_start_offers_once_what_can_be_mended_and_explains(
    opened: Any, recipe: Path, engine: CheckingEngine
) -> None:
    recipe.write_text(BLOCKED)
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        assert "No layer of the model is called k_porj." in shown(pilot.app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PreflightFindings))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert not engine.asked(ms.Submit)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))
        [submit] = engine.asked(ms.Submit)
        assert "target_modules: [q_proj, k_proj]" in submit.recipe.replace('"', "")
        assert screen.draft.value("learning_rate") == 1e-5


async def test_one_job_looks_again_and_again_and_a_gone_one_is_begun_anew(
    opened: Any, recipe: Path, engine: CheckingEngine
) -> None:
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        screen.form.go("lora_r")
        for key in ("plus", "plus", "minus"):
            await pilot.press(key)
            await known(pilot, screen)
        assert len(engine.jobs) == 1
        engine.jobs["side-1"].leave()
        await settle(pilot)
        await pilot.press("plus")
        await known(pilot, screen)
        assert list(engine.jobs) == ["side-1", "side-2"]
        assert not screen.preflight.findings


async def test_a_watcher_sees_the_findings_and_changes_nothing(opened: Any, recipe: Path) -> None:
    recipe.write_text(f"{GOOD}learning_rate: 1e-5\n")
    async with opened(readonly=True) as pilot:
        screen = await checked(pilot, recipe)
        await pilot.press("f", "p")
        await settle(pilot)
        assert screen.draft.value("learning_rate") == 1e-5
        assert "watch only" in notice(pilot)


@pytest.mark.parametrize(
    ("engine", "said"),
    [(FakeEngine, "in a moment"), (Unable, "No process can be started")],
    indirect=["engine"],
)
async def test_without_an_answer_nothing_waits(
    opened: Any, recipe: Path, engine: FakeEngine, said: str
) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, recipe)
        await until(pilot, lambda: bool(engine.asked(ms.Begin)) and "✓ ready   400 rows" in shown(pilot.app))
        await pilot.press("f")
        await settle(pilot)
        assert said in notice(pilot)
        screen.form.go("lora_r")
        await pilot.press("i", "8", "enter")
        await settle(pilot)
        assert screen.draft.shown("lora_r") == "168"
        await until(pilot, lambda: "✓ ready" in shown(pilot.app))
        await pilot.press("s")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))
        engine.accept(RUN)
        await until(pilot, lambda: pilot.app.current_mode == "train")


SCENES = {"recipe-blocked": [], "recipe-noticed": [], "recipe-findings": ["f", "j"]}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
async def test_it_is_as_it_was_found_good(
    opened: Any, recipe: Path, scene: str, size: tuple[int, int]
) -> None:
    slow = f"{GOOD}learning_rate: 1e-5\n"
    recipe.write_text(slow if scene == "recipe-noticed" else BLOCKED)
    async with opened(*size) as pilot:
        screen = await checked(pilot, recipe)
        screen.form.go("learning_rate")
        for key in SCENES[scene]:
            await pilot.press(key)
            await settle(pilot)
        await settle(pilot)
        name = f"{scene}-{size[0]}x{size[1]}"
        assert as_found_good(pilot.app, name, recipe.parent)


class Experienced(CheckingEngine):
    """Two runs at 2e-3 have diverged here, and one at 2e-4 went well."""

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.ListLessons):
            told = [_lesson("19", 2e-3), _lesson("12", 2e-3), _lesson("21", 2e-4)]
            self.push(ms.Lessons(lessons=told, request=message.request, total=3))


def _lesson(run: str, rate: float) -> Lesson:
    wild = rate > 1e-3
    spike = Seen(name="curve.spike", category="loss_spike_divergence", severity="blocker", title="It left.")
    return Lesson(
        run=run,
        status="failed" if wild else "succeeded",
        model=ModelPrint(name="/elsewhere/model"),
        recipe={"learning_rate": rate},
        findings=[spike] if wild else [],
    )


@pytest.mark.parametrize("engine", [Experienced], indirect=True)
async def test_a_setting_that_failed_here_is_said_at_its_field_and_once_before_a_start(
    opened: Any, recipe: Path, engine: CheckingEngine
) -> None:
    recipe.write_text(f"{GOOD}learning_rate: 2e-3\n")
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        await until(pilot, lambda: bool(screen.preflight.warned))
        screen.form.go("learning_rate")
        await settle(pilot)
        assert "diverged twice" in shown(pilot.app)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PreflightFindings))
        assert "(runs 19, 12); 2e-4 worked (run 21)" in notice(pilot)
        assert not engine.asked(ms.Submit)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("s")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))


@pytest.mark.parametrize("engine", [Experienced], indirect=True)
async def test_what_worked_is_taken_with_a_key_and_then_nothing_is_asked(
    opened: Any, recipe: Path, engine: CheckingEngine
) -> None:
    recipe.write_text(f"{GOOD}learning_rate: 2e-3\n")
    async with opened() as pilot:
        screen = await checked(pilot, recipe)
        await until(pilot, lambda: bool(screen.preflight.warned))
        screen.form.go("learning_rate")
        await pilot.press("p")
        await known(pilot, screen)
        assert screen.draft.value("learning_rate") == 2e-4
        assert not screen.preflight.warned
        await pilot.press("s")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))
