"""Columns of any names: a mapping is proposed, edited with its effect in view, and goes into the recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlora_tui.mapping_words import FIELDS, meant, typed
from openlora_tui.modals.mapping import MappingPage
from tests.tui.conftest import settle
from tests.tui.data.driving import compare, notices, screen_of, until, whole
from tests.tui.screen_picture import shown


@pytest.fixture
def tickets(data: Path) -> Path:
    """A help desk's table, which is no shape."""
    path = data.with_name("tickets.csv")
    rows = [
        f"{i},Parcel {i},Where is my parcel?,It is on its way.,{'en' if i % 2 else 'de'}" for i in range(20)
    ]
    path.write_text("\n".join(["ticket_id,subject,body,agent_reply,lang", *rows]) + "\n")
    return path


async def open_mapping(pilot: Any) -> MappingPage:
    await pilot.press("M")
    await until(pilot, lambda _: isinstance(pilot.app.screen, MappingPage) and pilot.app.screen._preview)
    page = pilot.app.screen
    assert isinstance(page, MappingPage)
    return page


async def test_columns_that_fit_no_shape_are_mapped_and_the_recipe_has_it(
    looking: Any, tickets: Path
) -> None:
    async with looking(file=tickets) as pilot:
        assert "M maps the columns" in shown(pilot.app)
        page = await open_mapping(pilot)
        assert "{agent_reply}" in shown(pilot.app)
        assert "20 examples" in shown(pilot.app)
        await pilot.press(*"jjjjjj", "enter", *"lang", "space", "=", "=", "space", *"en", "enter")
        await until(pilot, lambda _: page._preview is not None and page._preview.left_out == 10)
        assert "10 left out by filter" in shown(pilot.app)
        await pilot.press("s")
        await until(pilot, lambda screen: screen.about.report is not None and screen.about.report.format)
        assert pilot.app.draft.value("mapping").filter == "lang == en"
        spec = screen_of(pilot).about.spec
        assert spec is not None
        assert spec.mapping == pilot.app.draft.value("mapping")


async def test_a_mistake_stands_beside_its_field_and_is_not_taken(looking: Any, tickets: Path) -> None:
    async with looking(file=tickets) as pilot:
        page = await open_mapping(pilot)
        await pilot.press("enter", "backspace", *"x}")
        await until(pilot, lambda _: page._preview is not None and page._preview.problem)
        await settle(pilot)
        assert "no column bodyx" in shown(pilot.app)
        assert "Did you mean `body`?" in shown(pilot.app)
        await pilot.press("escape", "s")
        await settle(pilot)
        assert "Something is wrong" in notices(pilot)
        await pilot.press("x", "r")
        await until(pilot, lambda _: page._preview is not None and not page._preview.problem)
        await pilot.press("escape")
        await until(pilot, whole)
        assert pilot.app.draft is None


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_the_mapping_as_it_was_found_good(
    size: tuple[int, int], looking: Any, tickets: Path, tmp_path: Path
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with looking(*size, file=tickets) as pilot:
        compare(pilot.app, f"data-no-shape-{name}", tmp_path)
        page = await open_mapping(pilot)
        compare(pilot.app, f"data-mapping-{name}", tmp_path)
        await pilot.press("enter", "backspace")
        await until(pilot, lambda _: page._preview is not None and page._preview.problem)
        await settle(pilot)
        compare(pilot.app, f"data-mapping-wrong-{name}", tmp_path)


WORD = st.text("abc_", min_size=1, max_size=8)


@given(st.dictionaries(WORD, WORD, min_size=1, max_size=4), st.lists(WORD, min_size=1, max_size=4))
def test_what_is_shown_of_a_field_is_meant_the_same(pairs: dict[str, str], names: list[str]) -> None:
    assert meant("roles", typed("roles", pairs)) == pairs
    assert meant("group_by", typed("group_by", names)) == names
    assert meant("labels", typed("labels", names)) == names
    text = "\n".join(names)
    assert meant("question", typed("question", text)) == text


@given(st.text(max_size=30))
def test_whatever_is_typed_is_some_value(text: str) -> None:
    for name in FIELDS:
        typed(name, meant(name, text))
