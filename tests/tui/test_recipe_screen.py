"""The Recipe screen: from a CSV file to a queued run by keys alone, every value explained and undoable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import messages as ms
from engine.recipe import FIELDS, Field, template
from openlora_tui.draft import Draft
from openlora_tui.widgets.field_help import field_rows
from openlora_tui.widgets.field_row import View
from openlora_tui.widgets.form import EditLine
from tests.tui.conftest import settle
from tests.tui.fake_engine import RUN, FakeEngine, row
from tests.tui.recipe_driving import chosen, notice, opened_recipe, ready, until
from tests.tui.screen_picture import shown

# --- the newcomer's path ---


async def test_from_a_csv_file_to_a_run_without_a_recipe(opened: Any, engine: FakeEngine, work: Path) -> None:
    async with opened() as pilot:
        engine.list([])
        await pilot.press("n")
        await chosen(pilot)
        assert "2 of 2: the model" in shown(pilot.app)
        await chosen(pilot)
        await until(pilot, lambda: pilot.app.current_mode == "recipe")
        await ready(pilot)
        assert "412 rows   75 steps of 16 rows   21 held out" in shown(pilot.app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))
        (submit,) = engine.asked(ms.Submit)
        assert isinstance(submit, ms.Submit)
        assert submit.name == "rows"
        assert f"data: [{json.dumps(str(work / 'rows.csv'))}]" in submit.recipe or str(work) in submit.recipe
        engine.accept(RUN)
        engine.list([row("rows", "running", run=RUN)])
        await until(pilot, lambda: pilot.app.current_mode == "train")
        assert list(work.glob("*.yaml")) == []


async def test_a_picked_recipe_is_shown_first_and_started_as_it_is_written(
    opened: Any, engine: FakeEngine, mine: Path
) -> None:
    async with opened() as pilot:
        engine.list([])
        await pilot.press("n")
        await chosen(pilot)
        await until(pilot, lambda: pilot.app.current_mode == "recipe")
        await ready(pilot)
        assert not engine.asked(ms.Submit)
        await pilot.press("s")
        await until(pilot, lambda: bool(engine.asked(ms.Submit)))
        (submit,) = engine.asked(ms.Submit)
        assert isinstance(submit, ms.Submit)
        assert submit.name == "mine"
        assert "# my own words" in submit.recipe
        assert str(mine.parent / "rows.csv") in submit.recipe
        engine.refuse(what="The disk is full.")
        await settle(pilot)
        assert pilot.app.current_mode == "recipe"
        assert "disk is full" in notice(pilot)


async def test_behind_a_live_run_it_is_queued_and_the_form_stays(
    opened: Any, engine: FakeEngine, mine: Path
) -> None:
    async with opened() as pilot:
        await opened_recipe(pilot, mine)
        for number in ("7", "8"):
            await pilot.press("s")
            await until(pilot, lambda wanted=int(number) - 6: len(engine.asked(ms.Submit)) == wanted)
            engine.accept(number)
            await until(pilot, lambda wanted=number: f"run {wanted}" in notice(pilot))
        assert pilot.app.current_mode == "recipe"


async def test_a_mistake_keeps_it_from_starting_and_is_gone_to(
    opened: Any, engine: FakeEngine, work: Path
) -> None:
    (work / "bad.yaml").write_text("model: ./model\ndata: gone.csv\nlora_dropout: 7\nlerning_rate: 1e-4\n")
    async with opened() as pilot:
        screen = await opened_recipe(pilot, work / "bad.yaml")
        assert "2 mistakes" in shown(pilot.app)
        await pilot.press("s")
        assert "mistakes" in notice(pilot)
        await pilot.press("m")
        await settle(pilot)
        assert screen.form.field is not None
        assert screen.form.field.name == "lora_dropout"
        assert "It takes 0 to 0.9" in shown(pilot.app)
        await pilot.press("x", "m")
        await settle(pilot)
        assert "Did you mean `learning_rate`?" in shown(pilot.app)
        screen.draft.take(screen.draft.text().replace("lerning_rate", "learning_rate"))
        screen.changed()
        await until(pilot, lambda: "there is no file" in shown(pilot.app))
        await pilot.press("s")
        assert not engine.asked(ms.Submit)


# --- one field ---


async def test_a_value_is_judged_at_each_key_and_can_be_taken_back(opened: Any, mine: Path) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.form.go("lora_r")
        await pilot.press("enter", "0", "0", "0", "0")
        await settle(pilot)
        assert "160,000 is out of bounds" in shown(pilot.app)
        assert "1 to 4,096" in shown(pilot.app)
        for _ in range(4):
            await pilot.press("backspace")
        await pilot.press("backspace", "backspace", "6", "4", "enter")
        await settle(pilot)
        assert screen.draft.value("lora_r") == 64
        assert "default 16" in shown(pilot.app)
        await pilot.press("u")
        assert screen.draft.value("lora_r") == 16
        await pilot.press("ctrl+r")
        assert screen.draft.value("lora_r") == 64
        await pilot.press("x")
        assert screen.draft.value("lora_r") == 16
        assert "lora_r" not in screen.draft.text().replace("# lora_r", "")


async def test_escape_forgets_what_was_typed_and_nothing_more(opened: Any, mine: Path) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.form.go("num_train_epochs")
        await pilot.press("enter", "0", "enter", "enter", "7", "escape")
        await settle(pilot)
        assert screen.draft.value("num_train_epochs") == 30
        assert not screen.query_one(EditLine).display
        await pilot.press("enter", "escape", "u")
        assert screen.draft.value("num_train_epochs") == 3


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("learning_rate", "plus", 2e-4),
        ("learning_rate", "minus", 5e-5),
        ("lora_r", "right", 32),
        ("num_train_epochs", "plus", 4),
        ("lora_dropout", "minus", 0),
        ("max_steps", "plus", 100),
        ("lr_scheduler_type", "right", "linear"),
        ("lr_scheduler_type", "left", "range_test"),
        ("gradient_checkpointing", "space", True),
        ("gradient_checkpointing", "enter", True),
        ("eval_steps", "left", 25),
    ],
)
async def test_one_key_brings_the_next_value(
    opened: Any, mine: Path, name: str, key: str, value: object
) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.form.go(name)
        await pilot.press(key)
        await settle(pilot)
        assert screen.draft.value(name) == value


async def test_every_field_can_be_typed_into_and_left_as_it_was(opened: Any, mine: Path) -> None:
    async with opened(120, 36) as pilot:
        screen = await opened_recipe(pilot, mine)
        for field in FIELDS:
            before = screen.draft.shown(field.name)
            screen.form.go(field.name)
            screen.do_retype()
            line = screen.query_one(EditLine)
            assert line.display
            assert line.value == before
            line.action_leave(0)
            await pilot.pause()
            assert not line.display
            assert screen.draft.shown(field.name) == before
        assert not screen.draft.dirty


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_the_help_says_it_all_in_the_six_lines_that_a_small_terminal_has(field: Field) -> None:
    rows = field_rows(field, View(Draft(Path("/w"), text=template({"model": "m", "data": "d"}))), 78)
    assert len(rows) <= 6
    text = " ".join(" ".join(row.plain for row in rows).split())
    assert field.help in text
    assert field.wrong in text
    assert field.source in text
    assert field.bounds in text or field.choices


async def test_data_is_picked_from_what_is_on_disk_and_more_files_are_added(
    opened: Any, mine: Path, work: Path
) -> None:
    (work / "more.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        screen.form.go("data")
        await pilot.press("enter")
        await chosen(pilot)
        assert screen.draft.value("data") == "./more.jsonl"
        await pilot.press("A")
        await until(pilot, lambda: getattr(pilot.app.screen, "option", None) is not None)
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.draft.value("data") == ["./more.jsonl", "./rows.csv"]
        await until(pilot, lambda: "413 rows" in shown(pilot.app))
        await pilot.press("u", "u")
        assert screen.draft.value("data") == "rows.csv"


async def test_a_model_comes_from_the_folder_the_hubs_cache_or_the_hub(
    opened: Any, mine: Path, tmp_path: Path
) -> None:
    cached = tmp_path / "huggingface" / "hub" / "models--acme--tiny"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    (cached / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (cached / "snapshots" / ("0" * 40) / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(pilot.app.screen, "option", None) is not None)
        assert "acme/tiny" in shown(pilot.app)
        await pilot.press(*"acme/tiny", "enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.draft.value("model") == "acme/tiny"
        await until(pilot, lambda: "fetches the model first" in shown(pilot.app))


# --- the form ---


async def test_sections_fold_and_say_what_is_changed_in_them(opened: Any, mine: Path) -> None:
    async with opened(80, 120) as pilot:
        screen = await opened_recipe(pilot, mine)
        assert "Weight decay" not in shown(pilot.app)
        screen.draft.set("weight_decay", "0.1")
        screen.changed()
        await settle(pilot)
        assert "● Weight decay" in shown(pilot.app)
        await pilot.press("z")
        await settle(pilot)
        text = shown(pilot.app)
        assert all(field.label in text for field in FIELDS if "lora" in (field.methods or "lora"))
        await pilot.press("z")
        await settle(pilot)
        screen.form.choose("section expert")
        await pilot.press("enter")
        await settle(pilot)
        assert "Adam epsilon" in shown(pilot.app)
        assert "Schedule" not in shown(pilot.app)


async def test_fields_appear_only_where_the_method_knows_them(opened: Any, mine: Path) -> None:
    async with opened(80, 120) as pilot:
        screen = await opened_recipe(pilot, mine)
        await pilot.press("z")
        await settle(pilot)
        assert "Learnt tokens" not in shown(pilot.app)
        screen.draft.set("method", "prompt")
        screen.draft.set("use_dora", "true")
        screen.changed()
        await settle(pilot)
        text = shown(pilot.app)
        assert "Learnt tokens" in text
        assert "Start of the adapter" not in text
        assert "DoRA" in text, "what was changed is seen, and can be changed back"
        screen.form.go("init_lora_weights")
        await settle(pilot)
        assert "Start of the adapter" in shown(pilot.app), "what is asked for is there"


async def test_the_filter_finds_fields_by_what_they_do(opened: Any, mine: Path) -> None:
    async with opened() as pilot:
        screen = await opened_recipe(pilot, mine)
        await pilot.press("slash", *"activations", "enter")
        await settle(pilot)
        assert [item.key for item in screen.form.items] == ["section device", "gradient_checkpointing"]
        await pilot.press("escape")
        await settle(pilot)
        assert len(screen.form.items) > 10
