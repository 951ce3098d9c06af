"""Findings of data on the screen: read, followed row by row, shown alone, sorted, put aside, mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openlora_tui.modals.ask import Ask
from openlora_tui.modals.chooser import Chooser
from openlora_tui.modals.data_findings import DataFindings
from tests.tui.conftest import settle
from tests.tui.data.driving import compare, notices, screen_of, until, whole
from tests.tui.fake_inspector import InspectingEngine
from tests.tui.screen_picture import shown

BLANKS = [i for i in range(300) if i % 40 == 3]


@pytest.fixture
def blanks(data: Path) -> Path:
    """The 300 rows, every fortieth with a blank that nobody filled in."""
    lines = data.read_text().splitlines()
    for row in BLANKS:
        lines[row] = lines[row].replace("where is it?", "where is {{parcel}}?")
    path = data.with_name("blanks.jsonl")
    path.write_text("\n".join(lines) + "\n")
    return path


async def read_findings(pilot: Any) -> DataFindings:
    await pilot.press("f")
    await until(pilot, lambda _: isinstance(pilot.app.screen, DataFindings))
    page = pilot.app.screen
    await until(pilot, lambda _: page.finding is not None)
    return page


async def find(pilot: Any, check: str) -> DataFindings:
    """The findings, with the cursor on that of a check whose rows have come."""
    page = await read_findings(pilot)
    for _ in range(20):
        if page.finding.check == check:
            break
        await pilot.press("j")
        await settle(pilot)
    assert page.finding.check == check
    await until(pilot, lambda screen: check in screen.about.members)
    return page


async def sort_by(pilot: Any, order: str) -> None:
    await pilot.press("s")
    await until(pilot, lambda _: isinstance(pilot.app.screen, Chooser) and pilot.app.screen.option)
    await pilot.press(*("space" if letter == " " else letter for letter in order))
    await until(pilot, lambda _: pilot.app.screen.option.label.startswith(order))
    await pilot.press("enter")


async def test_a_finding_s_rows_are_one_key_away_and_followed_by_one_more(looking: Any, blanks: Path) -> None:
    async with looking(file=blanks) as pilot:
        await find(pilot, "placeholder")
        assert "rows      1 █" in shown(pilot.app)
        assert "--apply drop=placeholder" in shown(pilot.app)
        await pilot.press("enter")
        screen = screen_of(pilot)
        await until(pilot, lambda screen: screen.trail is not None and screen.table.cursor == BLANKS[0])
        assert "1 of 8" in shown(pilot.app)
        assert "n N next" in shown(pilot.app)
        for row in BLANKS[1:]:
            await pilot.press("n")
            await until(pilot, lambda screen, row=row: screen.table.cursor == row)
        await pilot.press("n")
        assert "last row of this finding" in notices(pilot)
        await pilot.press("N")
        await until(pilot, lambda screen: screen.table.cursor == BLANKS[-2])
        await pilot.press("escape")
        await settle(pilot)
        assert screen.trail is None
        assert screen.table.cursor == BLANKS[-2], "one stays where one was"


async def test_the_rows_of_a_finding_alone_keep_their_own_numbers(looking: Any, blanks: Path) -> None:
    async with looking(file=blanks) as pilot:
        await find(pilot, "placeholder")
        await pilot.press("F")
        await until(pilot, lambda screen: screen.about.view is not None and whole(screen))
        screen = screen_of(pilot)
        assert screen.about.count == 8
        listed = [line.split()[0] for line in shown(pilot.app).splitlines()[4:12]]
        assert [number.strip("▌") for number in listed if number.strip("▌")][1:3] == ["44", "84"]
        await pilot.press("n", "slash", *"163", "enter")
        await until(pilot, lambda screen: screen.table.cursor == 4)
        await pilot.press("escape")
        await until(pilot, whole)
        assert screen.about.count == 300
        assert screen.table.cursor == 163
        await pilot.press("F")
        await settle(pilot)
        assert "Choose a finding first" in notices(pilot)


async def test_rows_are_sorted_by_tokens_and_by_a_column(looking: Any) -> None:
    async with looking() as pilot:
        await sort_by(pilot, "longest")
        await until(pilot, lambda screen: screen.about.view is not None and whole(screen))
        about = screen_of(pilot).about
        lengths = [about.tokens(place) for place in range(10)]
        assert lengths == sorted(lengths, reverse=True)
        assert "sorted by tokens, falling" in shown(pilot.app)
        await sort_by(pilot, "id falling")
        await until(pilot, lambda screen: screen.about.view.by == "id" and whole(screen))
        assert [about.number(place) for place in range(3)] == [299, 298, 297]
        await pilot.press("number_sign", *"100", "enter")
        await until(pilot, lambda screen: screen.about.number(screen.table.cursor) == 99)


async def test_a_finding_is_put_aside_for_this_data_alone(looking: Any, blanks: Path, data: Path) -> None:
    async with looking(file=blanks) as pilot:
        await find(pilot, "placeholder")
        await pilot.press("x")
        await settle(pilot)
        assert "aside" in shown(pilot.app)
        await pilot.press("escape")
        await settle(pilot)
        assert "placeholders" not in shown(pilot.app)
    async with looking(file=blanks) as pilot:
        assert "placeholders" not in shown(pilot.app), "it is remembered"
        page = await find(pilot, "placeholder")
        assert page.finding in screen_of(pilot).about.dismissed
        await pilot.press("x", "escape")
        await settle(pilot)
        assert "placeholders" in shown(pilot.app)


async def test_a_patch_of_the_recipe_is_one_key_and_can_be_undone(looking: Any, blanks: Path) -> None:
    async with looking(file=blanks) as pilot:
        about = screen_of(pilot).about
        while about.max_length > 64:
            await pilot.press("minus")
        await find(pilot, "too_long")
        await pilot.press("p")
        await settle(pilot)
        assert pilot.app.draft.value("max_length") == 128
        assert "In the recipe: max_length 128" in notices(pilot)
        pilot.app.draft.undo()
        assert pilot.app.draft.value("max_length") == 1024


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_the_findings_as_they_were_found_good(
    size: tuple[int, int], looking: Any, blanks: Path, tmp_path: Path
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with looking(*size, file=blanks) as pilot:
        compare(pilot.app, f"data-overview-{name}", tmp_path)
        await find(pilot, "placeholder")
        compare(pilot.app, f"data-findings-{name}", tmp_path)
        await pilot.press("enter")
        await until(pilot, lambda screen: screen.table.cursor == BLANKS[0] and whole(screen))
        compare(pilot.app, f"data-trail-{name}", tmp_path)


async def test_the_findings_in_ascii(looking: Any, blanks: Path, tmp_path: Path) -> None:
    async with looking(file=blanks, ascii_only=True) as pilot:
        await find(pilot, "placeholder")
        assert compare(pilot.app, "data-findings-ascii-80x24", tmp_path).isascii()


async def test_a_patch_writes_a_new_dataset_and_offers_to_look_at_it(
    looking: Any, blanks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = blanks.read_bytes()
    async with looking(file=blanks) as pilot:
        await find(pilot, "placeholder")
        await pilot.press("p")
        await until(pilot, lambda _: isinstance(pilot.app.screen, Chooser) and pilot.app.screen.option)
        assert "blanks-mended.jsonl" in shown(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda _: isinstance(pilot.app.screen, Ask))
        assert "292 rows; there were 300" in shown(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda screen: screen.about.rows == 292 and whole(screen))
        assert "placeholders" not in shown(pilot.app)
        assert blanks.read_bytes() == before
        made = blanks.with_name("blanks-mended.made.yaml").read_text()
        assert "drop=placeholder" in made


async def test_a_name_that_is_taken_is_refused_before_anything_is_written(looking: Any, blanks: Path) -> None:
    async with looking(file=blanks) as pilot:
        await find(pilot, "placeholder")
        await pilot.press("p")
        await until(pilot, lambda _: isinstance(pilot.app.screen, Chooser) and pilot.app.screen.option)
        blanks.with_name("blanks-mended.jsonl").write_text("mine\n")
        await pilot.press("enter")
        await until(pilot, lambda _: "The file exists" in notices(pilot))
        assert blanks.with_name("blanks-mended.jsonl").read_text() == "mine\n"


async def test_nothing_is_mended_by_who_only_watches(looking: Any, blanks: Path) -> None:
    async with looking(file=blanks, readonly=True) as pilot:
        await find(pilot, "placeholder")
        await pilot.press("p")
        await settle(pilot)
        assert "watch only" in notices(pilot)


async def test_evaluation_data_is_chosen_beside_the_training_data_and_goes_on_to_the_recipe(
    looking: Any, engine: InspectingEngine, data: Path
) -> None:
    other = data.with_name("held-out.jsonl")
    other.write_text("".join(data.read_text().splitlines(keepends=True)[:7]))
    async with looking() as pilot:
        await pilot.press("e")
        await until(pilot, lambda _: isinstance(pilot.app.screen, Chooser) and pilot.app.screen.option)
        await pilot.press(*"held")
        await until(pilot, lambda _: "held-out" in pilot.app.screen.option.label)
        await pilot.press("enter")
        await until(pilot, lambda screen: screen.about.spec.eval_files and whole(screen))
        assert engine.specs[-1].eval_files == [str(other)]
        assert "against held-out.jsonl" in shown(pilot.app)
        await pilot.press("right_square_bracket")
        for _ in range(100):
            await settle(pilot)
            if pilot.app.current_mode == "recipe" and pilot.app.draft is not None:
                break
        assert pilot.app.draft.eval_words == [str(other)]
