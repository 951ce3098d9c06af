"""Waits for what an inspection says, and compares what is shown with pictures that were found good."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openlora_tui.app import OpenLoraApp
from openlora_tui.screens.data import DataScreen
from tests.tui.conftest import settle
from tests.tui.screen_picture import PICTURES, picture, shown

Condition = Callable[[DataScreen], object]


async def until(pilot: Any, condition: Condition) -> None:
    """Let what comes be painted until `condition` holds."""
    screen = screen_of(pilot)
    for _ in range(150):
        await settle(pilot)
        if condition(screen):
            break
        await pilot.pause(0.02)
    assert condition(screen), shown(pilot.app)
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
        about.number(table.cursor),
        about.max_length,
    )
    counted = about.lengths is None or about.tokens(table.cursor) is not None or about.shown is None
    return not about.count or (here and about.cells(table.cursor) is not None and counted)


def notices(pilot: Any) -> str:
    return "\n".join(str(notice.message) for notice in pilot.app._notifications)


def compare(app: OpenLoraApp, name: str, folder: Path) -> str:
    text = picture(app).replace(str(folder / "work"), "/work")
    path = PICTURES / f"{name}.txt"
    if os.environ.get("UPDATE_PICTURES"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"not as in {path}; look, then UPDATE_PICTURES=1"
    return text
