"""Drives the Recipe screen: waits for threads and for what they bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from openlora_tui.screens.recipe import RecipeScreen
from tests.tui.conftest import settle
from tests.tui.screen_picture import shown


async def until(pilot: Any, true: Callable[[], bool]) -> None:
    """Wait for threads and for what they bring."""
    for _ in range(400):
        if true():
            break
        await pilot.pause(0.02)
    assert true(), shown(pilot.app)
    await settle(pilot)


async def chosen(pilot: Any) -> None:
    """Wait for a chooser's list and take what is under its cursor."""
    await until(pilot, lambda: getattr(pilot.app.screen, "option", None) is not None)
    screen = pilot.app.screen
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.screen is not screen)


async def opened_recipe(pilot: Any, path: Path) -> RecipeScreen:
    pilot.app.open_recipe(path)
    await until(pilot, lambda: pilot.app.current_mode == "recipe" and pilot.app.place is not None)
    screen = pilot.app.place
    assert isinstance(screen, RecipeScreen)
    await until(pilot, lambda: screen.draft.path == path and screen.focused is screen.form)
    return screen


async def ready(pilot: Any) -> None:
    await until(pilot, lambda: "✓ ready" in shown(pilot.app))


def notice(pilot: Any) -> str:
    return " ".join(one.message for one in pilot.app._notifications)
