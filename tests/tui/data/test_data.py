"""The Data screen: by keys alone, on a real inspection of small files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openlora_tui.modals.row_view import RowView
from tests.tui.conftest import settle
from tests.tui.data.driving import compare, notices, screen_of, until, whole
from tests.tui.fake_engine import row
from tests.tui.fake_inspector import InspectingEngine
from tests.tui.screen_picture import shown


async def test_the_run_says_which_data_is_looked_at(
    looking: Any, engine: InspectingEngine, data: Path
) -> None:
    async with looking() as pilot:
        text = shown(pilot.app)
        assert engine.specs[0].files == [str(data)]
        assert "300 rows" in text
        assert "question_answer → chat template" in text
        assert "On its way" in text


async def test_a_run_s_own_recipe_names_max_length(
    opened: Any, engine: InspectingEngine, data: Path, model: Path, tmp_path: Path
) -> None:
    run = row("tickets", data=[str(data)], model=str(model))
    folder = tmp_path / "state" / "runs" / run.run
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(f"model: {model}\ndata: {data}\nmax_length: 96\n")
    engine.home = str(tmp_path / "state")
    engine.list([run])
    async with opened() as pilot:
        await pilot.press("2")
        await until(pilot, whole)
        assert engine.specs[0].max_length == 96
        assert "rows cut" in shown(pilot.app)


async def test_a_file_and_then_a_model_are_chosen_by_keys(
    opened: Any, engine: InspectingEngine, data: Path, model: Path
) -> None:
    async with opened() as pilot:
        await pilot.press("2")
        await settle(pilot)
        assert "No data yet" in shown(pilot.app)
        await pilot.press("o")
        await settle(pilot)
        await pilot.press(*"tickets")
        await until(pilot, lambda _: "tickets.jsonl" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, whole)
        assert "Tokens are counted once a model is named" in shown(pilot.app)
        await pilot.press("plus")
        await settle(pilot)
        assert screen_of(pilot).about.max_length == 1024, "without tokens there is nothing to see"
        await pilot.press("m")
        await until(pilot, lambda _: "tiny-chat" in shown(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda screen: whole(screen) and screen.about.lengths)
        assert engine.specs[-1].model == str(model)
        assert "p95" in shown(pilot.app)


async def test_another_max_length_is_judged_at_once_and_exactly(
    looking: Any, engine: InspectingEngine
) -> None:
    async with looking() as pilot:
        about = screen_of(pilot).about
        while about.max_length > 128:
            await pilot.press("minus")
        assert len(engine.specs) == 1, "nothing is read again"
        await until(pilot, whole)
        cut = about.lengths.truncated_rows(128)
        assert 0 < cut < 300
        assert f"{cut:,} rows cut" in shown(pilot.app)
        await pilot.press("equals_sign")
        await until(pilot, whole)
        assert about.max_length == 192
        assert about.shown.max_length == 192


async def test_what_was_tried_goes_on_to_the_recipe_and_comes_back(
    looking: Any, engine: InspectingEngine, data: Path
) -> None:
    async with looking() as pilot:
        await pilot.press("minus", "minus", "right_square_bracket")
        for _ in range(200):
            await settle(pilot)
            if pilot.app.current_mode == "recipe" and pilot.app.draft is not None:
                break
        assert pilot.app.draft.data_words == [str(data)]
        assert pilot.app.draft.value("max_length") == 512
        await pilot.press("2")
        await until(pilot, lambda screen: whole(screen) and engine.specs[-1].max_length == 512)
        assert "was" not in shown(pilot.app).splitlines()[2]


async def test_the_row_s_mask_and_the_rows_beside_it(looking: Any) -> None:
    async with looking() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda _: isinstance(pilot.app.screen, RowView))
        await until(pilot, lambda _: "‹|im_start|›user" in shown(pilot.app))
        assert "│ ‹|im_start|›assistant" not in shown(pilot.app)
        assert "│ On its way, soon.‹|im_end| EOS›" in shown(pilot.app)
        await pilot.press("j")
        await until(pilot, lambda _: "very soon." in shown(pilot.app))
        assert "row 2 of 300" in shown(pilot.app)
        await pilot.press("k")
        await until(pilot, lambda _: "row 1 of 300" in shown(pilot.app))
        for _ in range(9):
            await pilot.press("minus")
        await until(pilot, lambda screen: whole(screen) and "cut from here" in shown(pilot.app))
        await pilot.press("escape")
        await settle(pilot)
        assert screen_of(pilot).table.cursor == 0


async def test_rows_are_found_and_gone_to(looking: Any) -> None:
    async with looking() as pilot:
        table = screen_of(pilot).table
        await pilot.press("slash", *"parcel", "enter")
        await until(pilot, lambda _: table.cursor == 76)
        assert "parcel" in shown(pilot.app)
        await pilot.press("n")
        await until(pilot, lambda _: "No row further on" in notices(pilot))
        await pilot.press("number_sign", *"250", "enter")
        await until(pilot, lambda _: table.cursor == 249)
        await pilot.press("N")
        await until(pilot, lambda _: table.cursor == 76)
        await pilot.press("G")
        assert table.cursor == 299
        await pilot.press("number_sign", *"301", "enter")
        await settle(pilot)
        assert "from 1 to 300" in notices(pilot)


async def test_the_views_under_a_narrow_table(looking: Any) -> None:
    async with looking() as pilot:
        heads = []
        for _ in range(4):
            heads.append(next(head for head in ("findings ─", "lengths ─", "columns ─", "row 1 ─")
                              if head in shown(pilot.app)))  # fmt: skip
            await pilot.press("v")
            await settle(pilot)
        assert len(set(heads)) == 4
    async with looking(120, 36) as pilot:
        text = shown(pilot.app)
        assert all(head in text for head in heads)
        await pilot.press("v")
        await settle(pilot)
        assert "shown already" in notices(pilot)


async def test_the_findings_are_read(looking: Any) -> None:
    async with looking() as pilot:
        await pilot.press("f")
        await until(pilot, lambda _: "tickets.jsonl:121" in shown(pilot.app))
        assert "1 row without an answer" in shown(pilot.app)


async def test_wide_rows_are_scrolled_by_columns(looking: Any, data: Path) -> None:
    wide = data.with_name("wide.csv")
    names = [f"column{i}" for i in range(20)] + ["text"]
    wide.write_text(",".join(names) + "\n" + ",".join(f"value{i}" for i in range(21)) + "\n")
    async with looking(file=wide) as pilot:
        assert "column0 " in shown(pilot.app)
        assert "column12" not in shown(pilot.app)
        for _ in range(8):
            await pilot.press("right")
        await settle(pilot)
        assert "column12" in shown(pilot.app)
        assert "column0 " not in shown(pilot.app)
        await pilot.press("h")
        await settle(pilot)
        assert "column7" in shown(pilot.app)


async def test_the_place_of_a_row_is_copied(looking: Any, data: Path) -> None:
    async with looking() as pilot:
        await pilot.press("j")
        await until(pilot, whole)
        await pilot.press("y")
        await settle(pilot)
        assert pilot.app.clipboard == f"{data}:2"


async def test_a_file_that_breaks_off_shows_what_was_read_and_why(looking: Any, data: Path) -> None:
    rows = data.read_text().replace("}\n", "}, ")
    torn = data.with_name("tickets.json")
    torn.write_text(f'[{rows}{{"question": ]')
    async with looking(file=torn) as pilot:
        text = shown(pilot.app)
        assert "broken off" in text
        assert "Ticket 1" in text
        await pilot.press("f")
        await until(pilot, lambda _: "tickets.json:1" in shown(pilot.app))


async def test_terminal_codes_in_data_do_nothing(looking: Any, data: Path) -> None:
    data.write_text(
        json.dumps({"question": "\x1b]0;owned\x07 [@click=app.bell]x", "answer": "\x9b31m"}) + "\n"
    )
    async with looking() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda _: "row 1 of 1" in shown(pilot.app))
        assert not {"\x1b", "\x07", "\x9b"} & set(shown(pilot.app))


SHORTER = ["minus"] * 6
SCENES: dict[str, list[str]] = {
    "data": [],
    "data-lengths": ["v", *SHORTER],
    "data-row": [*SHORTER, "minus", "number_sign", "2", "0", "enter", "enter"],
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
async def test_the_screen_is_as_it_was_found_good(
    scene: str, size: tuple[int, int], looking: Any, tmp_path: Path
) -> None:
    async with looking(*size) as pilot:
        await scene_is_good(pilot, scene, f"{scene}-{size[0]}x{size[1]}", tmp_path)


@pytest.mark.parametrize("size", [(60, 20), (200, 50)], ids=["60x20", "200x50"])
async def test_narrow_and_vast(size: tuple[int, int], looking: Any, tmp_path: Path) -> None:
    async with looking(*size) as pilot:
        await scene_is_good(pilot, "data-lengths", f"data-{size[0]}x{size[1]}", tmp_path)


async def test_in_ascii(looking: Any, tmp_path: Path) -> None:
    async with looking(ascii_only=True) as pilot:
        assert (await scene_is_good(pilot, "data-row", "data-row-ascii-80x24", tmp_path)).isascii()


async def test_the_error_of_a_bad_file(looking: Any, data: Path, tmp_path: Path) -> None:
    bad = data.with_name("bad.csv")
    bad.write_text("prompt,completion\na,b,c\n")
    async with looking(file=bad) as pilot:
        text = await scene_is_good(pilot, "data", "data-error-80x24", tmp_path)
        assert "bad.csv:2" in text


async def test_nothing_yet(opened: Any, engine: InspectingEngine, tmp_path: Path) -> None:
    async with opened() as pilot:
        await pilot.press("2")
        await settle(pilot)
        compare(pilot.app, "data-empty-80x24", tmp_path)


async def scene_is_good(pilot: Any, scene: str, name: str, folder: Path) -> str:
    for key in SCENES[scene]:
        await pilot.press(key)
        await until(pilot, whole)
    return compare(pilot.app, name, folder)
