"""The Data screen: by keys alone, on a real inspection of small files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from openlora_tui.app import OpenLoraApp
from openlora_tui.modals.row_view import RowView
from openlora_tui.screens.data import DataScreen
from tests.tui.conftest import settle
from tests.tui.fake_engine import row
from tests.tui.fake_inspector import InspectingEngine
from tests.tui.screen_picture import picture, shown

PICTURES = Path(__file__).parent / "pictures"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tokenizer of single characters, so that lengths can be counted by hand."""
    folder = tmp_path / "work" / "tiny-chat"
    folder.mkdir(parents=True)
    specials = ["<unk>", "<|im_start|>", "<|im_end|>"]
    letters = sorted({chr(code) for code in range(32, 127)} | {"\n", "é"})
    vocabulary = {text: id for id, text in enumerate([*specials, *letters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens(specials)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text('{"model_type": "llama", "eos_token_id": 2}')
    config = {"eos_token": "<|im_end|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def answer(row: int) -> str:
    return f"On its way, {'very ' * (row % 30)}soon."


@pytest.fixture
def data(tmp_path: Path, model: Path) -> Path:
    """300 rows: short ones, long ones, one twice, one without an answer; row 77 speaks of a parcel."""
    rows = [{"question": f"Ticket {i}: where is it?", "answer": answer(i), "id": i} for i in range(300)]
    rows[76]["question"] = "My parcel says delivered but it is not here."
    rows[120]["answer"] = ""
    rows[200] = rows[201]
    path = model.parent / "tickets.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> InspectingEngine:
    # The job is a thread here, and only a process of its own can be stopped in its work.
    monkeypatch.setattr("engine.data.template.bounded", nullcontext)
    engine = InspectingEngine()
    engine.list([])
    return engine


Condition = Callable[[DataScreen], object]


async def until(pilot: Any, condition: Condition) -> None:
    """Let what comes be painted until `condition` holds."""
    screen = screen_of(pilot)
    for _ in range(500):
        await settle(pilot)
        if condition(screen):
            break
        await pilot.pause(0.02)
    assert condition(screen)
    await settle(pilot)


def screen_of(pilot: Any) -> DataScreen:
    place = pilot.app.place
    assert isinstance(place, DataScreen)
    return place


def whole(screen: DataScreen) -> bool:
    """True once everything that the screen shows has come."""
    about, table = screen.about, screen.table
    if about.report is None or not (about.report.done or about.problem):
        return False
    here = about.shown is not None and (about.shown.row, about.shown.max_length) == (
        table.cursor,
        about.max_length,
    )
    counted = about.lengths is None or about.tokens(table.cursor) is not None or about.shown is None
    return not about.count or (here and about.cells(table.cursor) is not None and counted)


@pytest.fixture
def looking(opened: Any, engine: InspectingEngine, data: Path, model: Path) -> Any:
    """Opens the Data screen on the 300 rows of a run that used them."""

    @asynccontextmanager
    async def look(width: int = 80, height: int = 24, file: Path = data, **options: Any) -> Any:
        engine.list([row("tickets", "succeeded", data=[str(file)], model=str(model))])
        async with opened(width, height, **options) as pilot:
            await pilot.press("2")
            await until(pilot, whole)
            yield pilot

    return look


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
        assert "│ On its way, soon.‹|im_end|›" in shown(pilot.app)
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


def notices(pilot: Any) -> str:
    return "\n".join(str(notice.message) for notice in pilot.app._notifications)


async def test_the_views_under_a_narrow_table(looking: Any) -> None:
    async with looking() as pilot:
        heads = []
        for _ in range(4):
            heads.append(next(head for head in ("row 1 ─", "lengths ─", "columns ─", "findings ─")
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


def compare(app: OpenLoraApp, name: str, folder: Path) -> str:
    text = picture(app).replace(str(folder / "work"), "/work")
    path = PICTURES / f"{name}.txt"
    if os.environ.get("UPDATE_PICTURES"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"not as in {path}; look, then UPDATE_PICTURES=1"
    return text
