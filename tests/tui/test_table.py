"""The big table costs what is seen of it."""

from __future__ import annotations

from typing import Any

from openlora_tui.widgets.table import BigTable
from tests.tui.conftest import settle
from tests.tui.screen_picture import shown


class Millions:
    """Five million rows, of which none exists before it is asked for."""

    def __init__(self) -> None:
        self.count = 5_000_000
        self.columns = ["text"]
        self.asked: list[int] = []

    def cells(self, row: int) -> list[str]:
        self.asked.append(row)
        return [f"this is row {row}"]

    def figure(self, row: int) -> tuple[str, str]:
        return "", "dim"

    def number(self, row: int) -> int:
        return row

    def want(self, first: int, last: int) -> None:
        assert last - first < 50


async def test_five_million_rows_cost_what_is_seen_of_them(opened: Any) -> None:
    source = Millions()
    async with opened() as pilot:
        table = BigTable(source)
        await pilot.app.screen.mount(table)
        table.focus()
        await pilot.press("G")
        await settle(pilot)
        assert "5,000,000" in shown(pilot.app)
        assert "this is row 4999999" in shown(pilot.app)
        await pilot.press("g", "pagedown", "ctrl+d", "up")
        await settle(pilot)
        assert 0 < table.cursor < 60
        assert len(set(source.asked)) < 300
