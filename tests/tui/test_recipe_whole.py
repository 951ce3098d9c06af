"""The recipe as a whole: saved, compared, said as a command line, and kept through a crash."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from engine import messages as ms
from engine.recipe import Recipe, read
from openlora_tui.cli.main import main
from tests.tui.conftest import RECIPE, settle
from tests.tui.fake_engine import FakeEngine, row
from tests.tui.recipe_driving import chosen, notice, opened_recipe, until
from tests.tui.screen_picture import shown


async def test_it_is_saved_to_its_file_or_under_another_name(opened: Any, mine: Path, work: Path) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.form.go("learning_rate")
        await pilot.press("plus")
        await settle(pilot)
        assert "not saved" in shown(pilot.app)
        await pilot.press("w")
        await settle(pilot)
        assert mine.read_text() == RECIPE.replace("1e-4 ", "2e-4 ")
        await pilot.press("plus", "W")
        await until(pilot, lambda: "Save the recipe as" in shown(pilot.app))
        await until(pilot, lambda: pilot.app.screen.option is not None)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert read(work / "mine-2.yaml").recipe.learning_rate == 4e-4
        assert read(mine).recipe.learning_rate == 2e-4
        assert screen.draft.path == work / "mine-2.yaml"


async def test_what_is_not_saved_is_asked_for_before_another_recipe_is_opened(
    opened: Any, mine: Path, work: Path
) -> None:
    (work / "other.yaml").write_text("model: ./model\ndata: rows.csv\nseed: 7\n")
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.draft.set("seed", "3")
        screen.changed()
        pilot.app.open_recipe(work / "other.yaml")
        await until(pilot, lambda: "Drop what is not saved?" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.draft.value("seed") == 3
        pilot.app.open_recipe(work / "other.yaml")
        await until(pilot, lambda: "Drop what is not saved?" in shown(pilot.app))
        await pilot.press("j", "enter")
        await until(pilot, lambda: pilot.app.screen is screen and screen.draft.value("seed") == 7)
        assert "seed: 3" in mine.read_text()


async def test_an_earlier_runs_recipe_is_compared_with_and_opened(
    opened: Any, engine: FakeEngine, mine: Path, work: Path, home: Path
) -> None:
    (home / "runs" / "6").mkdir(parents=True)
    (home / "runs" / "6" / "recipe.yaml").write_text(
        f"model: {work}/model\ndata: [{work}/rows.csv]\nlora_r: 64\nlearning_rate: 1e-4\n"
    )
    engine.list([row("before", "succeeded", run="6")])
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        await pilot.press("d")
        await chosen(pilot)
        await until(pilot, lambda: "run 6: 64" in shown(pilot.app))
        assert "1 field differs" in shown(pilot.app)
        await pilot.press("d")
        await settle(pilot)
        assert "run 6" not in shown(pilot.app)
        await pilot.press("o")
        await until(pilot, lambda: getattr(pilot.app.screen, "option", None) is not None)
        await pilot.press(*"before")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: screen.draft.value("lora_r") == 64)
        assert screen.draft.path is None
        assert screen.draft.value("data") == "./rows.csv"


@pytest.mark.parametrize("saved", [True, False])
async def test_the_command_line_does_what_the_form_would(
    opened: Any, mine: Path, work: Path, saved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        if not saved:
            pilot.app.draft = type(screen.draft)(work)
            screen.draft.set("model", "./model")
        for name, text in (
            ("data", '[rows.csv, "a b.csv"]'), ("run_name", "it's $HOME"), ("learning_rate", "3e-4"),
            ("sample_prompts", '["Hi, you", "b"]'), ("gradient_checkpointing", "true"),
        ):  # fmt: skip
            screen.draft.set(name, text)
        wanted: Recipe = screen.draft.file().recipe
        await pilot.press("y")
        await settle(pilot)
        assert "openlora train" in shown(pilot.app)
        lines = [shlex.split(line) for line in pilot.app.clipboard.splitlines()]
        if saved:
            (words,) = lines
            assert words[:3] == ["openlora", "train", "mine.yaml"]
            assert main(["new", "same.yaml", "--from", *words[2:]]) == 0
        else:
            assert main(["new", "same.yaml", *lines[0][3:]]) == 0
            assert lines[1][:2] == ["openlora", "train"]
        assert read(work / "same.yaml").recipe == wanted


async def test_the_draft_is_kept_while_it_is_typed_and_gone_once_it_is_saved(
    opened: Any, mine: Path, home: Path
) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.form.go("lora_r")
        await pilot.press("enter", "x")
        await until(pilot, lambda: any((home / "drafts").glob("*.json")))
        await pilot.press("backspace", "enter", "plus", "w")
        await until(pilot, lambda: not any((home / "drafts").glob("*.json")))


async def test_a_draft_left_by_an_app_that_closed_comes_back_with_a_notice(
    opened: Any, mine: Path, home: Path
) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.draft.set("lora_r", "many")
        screen.changed()
    async with opened() as pilot:
        await until(pilot, lambda: "has been kept" in notice(pilot))
        await pilot.press("3")
        await until(pilot, lambda: "many" in shown(pilot.app))
        assert pilot.app.draft.path == mine


async def test_a_recipe_that_goes_on_from_a_run_says_from_which_and_why_it_cannot(
    opened: Any, engine: FakeEngine, work: Path
) -> None:
    (work / "more.yaml").write_text("model: ./model\ndata: rows.csv\nadapter: 7\n")
    async with opened() as pilot:
        await pilot.press("n")
        await until(pilot, lambda: "goes on from run 7" in shown(pilot.app))
        assert "there is no run '7'" in shown(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: "1 mistake" in shown(pilot.app))
        await pilot.press("s")
        assert not engine.asked(ms.Submit)


async def test_the_data_that_was_looked_at_becomes_the_recipes(
    opened: Any, mine: Path, work: Path, tmp_path: Path
) -> None:
    (work / "other.csv").write_text("prompt,completion\na,b\n")
    async with opened() as pilot:
        pilot.app.open_data([str(work / "other.csv")], str(work / "model"))
        await until(pilot, lambda: pilot.app.current_mode == "recipe" and "other.csv" in shown(pilot.app))
        assert pilot.app.draft.value("data") == "./other.csv"
        assert pilot.app.draft.value("model") == "./model"
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.current_mode == "data" and pilot.app.place is not None)
        await until(pilot, lambda: pilot.app.place.about.spec is not None)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: pilot.app.current_mode == "recipe")
        assert pilot.app.draft.data_words == [str(work / "other.csv")]


async def test_fields_and_recipes_are_found_from_anywhere_by_name(opened: Any, mine: Path) -> None:
    async with opened() as pilot:
        await pilot.press("colon", *"weight_decay")
        await until(pilot, lambda: "Weight decay" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: "Pull of the adapter" in shown(pilot.app))
        await pilot.press("colon", *"mine.yaml")
        await until(pilot, lambda: "recipe" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.draft.path == mine)


async def test_who_only_watches_leaves_no_draft_takes_none_over_and_opens_no_editor(
    opened: Any, mine: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.draft.set("lora_r", "many")
        screen.changed()
    (kept,) = (home / "drafts").glob("*.json")
    before = kept.read_bytes()
    monkeypatch.setenv("EDITOR", "false")
    async with opened(readonly=True) as pilot:
        assert "has been kept" not in notice(pilot)
        screen = await opened_recipe(pilot, mine)
        screen.draft.set("lora_r", "few")
        screen.changed()
        await pilot.press("e")
        assert "watch only" in notice(pilot)
    assert [path.name for path in (home / "drafts").iterdir()] == [kept.name]
    assert kept.read_bytes() == before
