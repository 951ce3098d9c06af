"""A run is started from a recipe that is picked, typed, or written on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import messages as ms
from engine.recipe import read
from tests.tui.conftest import settle
from tests.tui.fake_engine import RUN, FakeEngine
from tests.tui.screen_picture import shown


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text('{"model_type": "llama"}')
    (folder / "rows.jsonl").write_text('{"prompt": "Hi", "completion": "Hello"}\n')
    return folder


async def listed(pilot: Any) -> None:
    for _ in range(200):
        if getattr(pilot.app.screen, "option", None) is not None:
            break
        await pilot.pause(0.02)
    await settle(pilot)


async def sent(pilot: Any, engine: FakeEngine) -> ms.Submit:
    for _ in range(200):
        if engine.asked(ms.Submit):
            break
        await pilot.pause(0.02)
    (submit,) = engine.asked(ms.Submit)
    assert isinstance(submit, ms.Submit)
    return submit


async def test_a_picked_recipe_is_submitted_with_absolute_paths_and_opened(
    opened: Any, engine: FakeEngine, work: Path
) -> None:
    (work / "mine.yaml").write_text("# my own words\nmodel: ./model\ndata: rows.jsonl\n")
    async with opened() as pilot:
        await pilot.press("n")
        await listed(pilot)
        await pilot.press("enter")
        submit = await sent(pilot, engine)
        assert submit.name == "mine"
        assert "# my own words" in submit.recipe
        assert str(work / "rows.jsonl") in submit.recipe
        engine.accept(RUN)
        await settle(pilot)
        assert pilot.app.current_mode == "train"


async def test_a_mistake_is_shown_with_its_line_and_not_started(
    opened: Any, engine: FakeEngine, work: Path
) -> None:
    (work / "typo.yaml").write_text("model: ./model\ndata: rows.jsonl\nlerning_rate: 1e-4\n")
    async with opened() as pilot:
        await pilot.press("n", *"typo")
        await listed(pilot)
        text = shown(pilot.app)
        assert "typo.yaml:3" in text.replace("\n", "")
        assert "Did you mean `learning_rate`?" in text
        await pilot.press("enter")
        await settle(pilot)
        assert not engine.asked(ms.Submit)


async def test_a_typed_path_works(opened: Any, engine: FakeEngine, work: Path) -> None:
    hidden = work / "deep" / "er" / "and" / "deeper"
    hidden.mkdir(parents=True)
    (hidden / "far.yaml").write_text("model: ../../../../model\ndata: ../../../../rows.jsonl\n")
    async with opened() as pilot:
        await pilot.press("n")
        await listed(pilot)
        await pilot.press(*"deep/er/and/deeper/far.yaml")
        await settle(pilot)
        await pilot.press("enter")
        submit = await sent(pilot, engine)
        assert submit.name == "far"


async def test_a_recipe_is_written_from_a_data_file_and_a_model(
    opened: Any, engine: FakeEngine, work: Path
) -> None:
    async with opened() as pilot:
        await pilot.press("n")
        for _ in range(3):
            await listed(pilot)
            await pilot.press("enter")
            await settle(pilot)
        for _ in range(100):
            if (work / "rows.yaml").exists():
                break
            await pilot.press("enter")
            await pilot.pause(0.02)
        recipe = read(work / "rows.yaml")
        assert recipe.recipe.data == "./rows.jsonl"
        assert recipe.recipe.model == "./model"
        assert "# learning_rate:" in recipe.text
        await sent(pilot, engine)


async def test_escape_starts_nothing(opened: Any, engine: FakeEngine, work: Path) -> None:
    async with opened() as pilot:
        await pilot.press("n")
        await listed(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert pilot.app.current_mode == "runs"
        assert not engine.asked(ms.Submit)


async def test_a_recipe_that_goes_on_from_a_run_says_from_which_and_why_it_cannot(
    opened: Any, engine: FakeEngine, work: Path
) -> None:
    (work / "more.yaml").write_text("model: ./model\ndata: rows.jsonl\nadapter: 7\n")
    async with opened() as pilot:
        await pilot.press("n")
        await listed(pilot)
        await pilot.press("down")
        await settle(pilot)
        assert "goes on from run 7" in shown(pilot.app)
        assert "there is no run '7'" in shown(pilot.app)
        await pilot.press("enter")
        await settle(pilot)
        assert not engine.asked(ms.Submit)
