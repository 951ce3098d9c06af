"""`R` on the Recipe screen: recommended values with their reasons, taken with a key and taken back."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import messages as ms
from engine.lessons.lesson import Lesson
from engine.memory.limit import Limit
from engine.recommend.serve import serve
from openlora_tui.modals.recommended import RecommendedValues
from openlora_tui.screens.recipe import RecipeScreen
from tests.engine.preflight.conftest import write_rows
from tests.engine.preflight.making import model, write_tokenizer
from tests.engine.recommend.knowing import lesson
from tests.tui.conftest import settle
from tests.tui.fake_side import SideEngine
from tests.tui.recipe_driving import notice, opened_recipe, until
from tests.tui.screen_picture import as_found_good, shown


class RecommendingEngine(SideEngine):
    """Recommends by the real side job, in a thread, and remembers some runs."""

    def __init__(self) -> None:
        super().__init__("recommend", serve)
        self.lessons: list[Lesson] = []

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.ListLessons):
            told = ms.Lessons(request=message.request, lessons=self.lessons, total=len(self.lessons))
            self.push(told)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RecommendingEngine:
    # What this machine has is no part of the pictures.
    card = Limit(bytes=24 << 30, name="NVIDIA L4", cuda=True)
    monkeypatch.setattr("engine.memory.limit.there", lambda *_: card)
    monkeypatch.setattr("openlora_tui.screens.recipe.at_once", lambda *_: None)
    # Only a process's main thread can be bounded, and the look works in a thread here.
    monkeypatch.setattr("engine.data.template.bounded", contextlib.nullcontext)
    return RecommendingEngine()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe with a rate of its own, its model and its rows."""
    work = tmp_path / "work"
    write_tokenizer(model(work / "model"), template=False)
    write_rows(work / "rows.jsonl")
    (work / "mine.yaml").write_text("model: ./model\ndata: rows.jsonl\nlearning_rate: 1e-4   # copied\n")
    return work / "mine.yaml"


async def recommended(pilot: Any, path: Path) -> tuple[RecipeScreen, RecommendedValues]:
    screen = await opened_recipe(pilot, path)
    await pilot.press("R")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, RecommendedValues) and not screen.recommending.coming
    )
    return screen, pilot.app.screen


async def go(pilot: Any, name: str) -> None:
    """Put the cursor on a value."""
    for _ in range(30):
        if getattr(pilot.app.screen._chosen, "field", "") == name:
            return
        await pilot.press("j")
        await settle(pilot)
    raise AssertionError(shown(pilot.app))


async def test_one_value_is_taken_and_taken_back(opened: Any, recipe: Path) -> None:
    async with opened() as pilot:
        screen, _ = await recommended(pilot, recipe)
        await go(pilot, "learning_rate")
        found = next(v for v in screen.recommending.found.values if v.field == "learning_rate")
        assert "1e-4 →" in shown(pilot.app)
        assert "LoRA Without Regret" in shown(pilot.app)
        await pilot.press("p")
        await settle(pilot)
        assert screen.draft.value("learning_rate") == found.value
        assert "undoes it" in notice(pilot)
        await pilot.press("u")
        await settle(pilot)
        assert screen.draft.value("learning_rate") == 1e-4
        assert not screen.draft.dirty


async def test_all_values_are_taken_and_one_key_takes_them_back(opened: Any, recipe: Path) -> None:
    async with opened() as pilot:
        screen, _ = await recommended(pilot, recipe)
        found = screen.recommending.found
        await pilot.press("P")
        await settle(pilot)
        assert {v.field: screen.draft.value(v.field) for v in found.values} == found.document()["recipe"]
        assert not screen.draft.slips()
        assert "# copied" in screen.draft.text()
        await pilot.press("u")
        await settle(pilot)
        assert not screen.draft.dirty


async def test_what_failed_before_is_said_with_its_runs(
    opened: Any, recipe: Path, engine: RecommendingEngine
) -> None:
    base = str(recipe.parent / "model")
    past = [lesson(run, None, broke="loss_spike_divergence", learning_rate=1e-3) for run in ("12", "19")]
    past.append(lesson("20", 1.1, learning_rate=5e-4))
    unknown = {"name": base, "family": "", "layers": 0, "hidden": 0, "vocabulary": 0}
    engine.lessons = [replace(one, model=replace(one.model, **unknown)) for one in past]
    async with opened(120, 36) as pilot:
        screen, _ = await recommended(pilot, recipe)
        await go(pilot, "learning_rate")
        assert "diverged twice on this model" in shown(pilot.app)
        assert "12, 19, 20" in shown(pilot.app)
        await pilot.press("p")
        await settle(pilot)
        assert screen.draft.value("learning_rate") == 5e-4


async def test_who_only_watches_takes_nothing(opened: Any, recipe: Path) -> None:
    async with opened(readonly=True) as pilot:
        screen, _ = await recommended(pilot, recipe)
        await pilot.press("P")
        await settle(pilot)
        assert not screen.draft.dirty
        assert "--readonly" in notice(pilot)


async def test_data_that_cannot_be_read_is_told_there(opened: Any, recipe: Path) -> None:
    async with opened() as pilot:
        await opened_recipe(pilot, recipe)
        (recipe.parent / "rows.jsonl").unlink()
        await pilot.press("R")
        await until(pilot, lambda: "`data`: there is no file" in shown(pilot.app))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36)], ids=["60x20", "80x24", "120x36"])
async def test_the_values_are_shown_as_they_were_found_good(
    size: tuple[int, int], opened: Any, recipe: Path, engine: RecommendingEngine
) -> None:
    async with opened(*size) as pilot:
        await recommended(pilot, recipe)
        await go(pilot, "learning_rate")
        pilot.app.clear_notifications()
        await settle(pilot)
        as_found_good(pilot.app, f"recommended-{size[0]}x{size[1]}", recipe.parent)
