"""The Recipe screen in each state, as it was last looked at and found good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openlora_tui.modals.chooser import Chooser
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine, row
from tests.tui.recipe_driving import opened_recipe, until
from tests.tui.screen_picture import as_found_good

TICKETS = """\
# tickets, second try
model: ./model
data: tickets.csv
learning_rate: 1e-4   # 2e-4 jumped
lora_r: 32
weight_decay: 0.01
"""
SCENES: dict[str, list[str]] = {
    "recipe": ["j", "j", "j", "j"],
    "recipe-editing": ["j", "j", "j", "enter", "0", "0", "0"],
    "recipe-mistakes": ["j", "j", "j", "j", "i", "backspace", "x", "enter", "j", "plus", "k"],
    "recipe-open": ["z", *"jjjjjjjjjj"],
    "recipe-filter": ["slash", *"rows", "enter"],
    "recipe-compared": ["d", "enter", "j", "j", "j", "j"],
    "recipe-command": ["plus", "j", "j", "j", "plus", "y"],
    "recipe-model": ["enter"],
    "recipe-choice": ["slash", *"format", "enter", "j", "enter"],
    "recipe-editor-refused": [],
}


@pytest.fixture
def tickets(tmp_path: Path, home: Path) -> Path:
    work = tmp_path / "work"
    (work / "model").mkdir(parents=True)
    (work / "model" / "config.json").write_text('{"model_type": "llama"}')
    (work / "tickets.csv").write_text("prompt,completion\n" + "Hi,Hello\n" * 12_408)
    (work / "tickets.yaml").write_text(TICKETS)
    (home / "runs" / "6").mkdir(parents=True)
    run = f"model: {work}/model\ndata: [{work}/tickets.csv]\nlora_r: 16\nseed: 7\n"
    (home / "runs" / "6" / "recipe.yaml").write_text(run)
    return work / "tickets.yaml"


async def drawn(
    name: str, keys: list[str], opened: Any, tickets: Path, engine: FakeEngine, **how: Any
) -> str:
    engine.list([row("tickets", "succeeded", run="6")])
    async with opened(**how) as pilot:
        screen = await opened_recipe(pilot, tickets)
        await until(pilot, lambda: screen.prospect.outlook is not None)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
            if isinstance(pilot.app.screen, Chooser):
                await until(pilot, lambda: pilot.app.screen.option is not None)
            elif keys[0] == "d":
                await until(pilot, lambda: screen.draft.against is not None)
        if name.startswith("recipe-editor"):
            from engine.problem import Problem
            from openlora_tui.screens.recipe_acts import unreadable

            problem = Problem("The recipe is not valid YAML.", where="recipe:3", why="mapping values are not "
                              "allowed here.", do="Texts with a colon or a hash need quotes.")  # fmt: skip
            pilot.app.push_screen(unreadable(problem))
        await until(pilot, lambda: bool(screen.draft.slips()) or screen.prospect.outlook is not None)
        pilot.app.clear_notifications()
        await settle(pilot)
        return as_found_good(pilot.app, name, tickets.parent)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
async def test_the_recipe_is_as_it_was_found_good(
    scene: str, size: tuple[int, int], opened: Any, tickets: Path, engine: FakeEngine
) -> None:
    name = f"{scene}-{size[0]}x{size[1]}"
    await drawn(name, SCENES[scene], opened, tickets, engine, width=size[0], height=size[1])


@pytest.mark.parametrize(
    ("name", "keys", "how"),
    [
        ("recipe-60x20", ["j", "j"], {"width": 60, "height": 20}),
        ("recipe-60x16", ["j", "j", "j"], {"width": 60, "height": 16}),
        ("recipe-200x50", ["z", "j", "j", "j", "j"], {"width": 200, "height": 50}),
        ("recipe-light-80x24", ["j", "j", "j"], {"theme": "openlora-light"}),
        ("recipe-ascii-80x24", ["z", "j", "j", "j"], {"ascii_only": True}),
    ],
)
async def test_in_other_sizes_and_looks(
    name: str, keys: list[str], how: dict[str, Any], opened: Any, tickets: Path, engine: FakeEngine
) -> None:
    text = await drawn(name, keys, opened, tickets, engine, **how)
    assert text.isascii() or "ascii" not in name


async def test_nothing_filled_in_yet(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.place is not None and pilot.app.current_mode == "recipe")
        as_found_good(pilot.app, "recipe-empty-80x24", pilot.app.folder)
