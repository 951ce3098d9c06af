"""What did it just eat: a key on the Train screen shows the rows of a step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.eaten.told import Eaten, Part, Row
from engine.problem import Problem
from openlora_tui.modals import eaten
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine
from tests.tui.screen_picture import shown


async def told(home: str, run: str, step: int) -> Eaten:
    """What the command line would say of a run whose rows are known."""
    if step > 411:
        raise Problem(f"Run {run} has no step {step}.", do="Name one that it has taken.")
    parts = [Part("Where is it?\n", False), Part("In \x1b[31m[bold]Ghent[/].", True)]
    return Eaten(
        run=run, step=step, epoch=1, loss=5.25, grad_norm=9.0, lr=1e-4,
        rows=[Row(f"/data/rows.jsonl:{step * 10 + row}", 30, 12, parts) for row in range(2)],
    )  # fmt: skip


async def pressed(pilot: Any, *keys: str) -> str:
    await pilot.press(*keys)
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)
    return shown(pilot.app)


@pytest.mark.parametrize(("width", "height"), [(60, 20), (80, 24), (200, 50)])
async def test_the_rows_of_a_step_and_of_its_neighbours(
    width: int, height: int, opened: Any, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eaten, "ask", told)
    async with opened(width, height) as pilot:
        await pressed(pilot, "enter")
        await pressed(pilot, "e")
        first = pilot.app.screen._step
        text = await pressed(pilot, "left")
        assert f"What step {first - 1:,} ate" in text
        assert f"rows.jsonl:{(first - 1) * 10}" in text
        assert "30 tokens, 12 learnt" in text
        assert "[bold]Ghent[/]." in text
        assert "\x1b" not in text
        assert f"What step {first + 1:,} ate" in await pressed(pilot, "right", "right")
        assert "ate" not in (await pressed(pilot, "escape")).splitlines()[0]


async def test_of_a_pair_the_prompt_stands_once_and_the_rejected_answer_is_told_apart(
    opened: Any, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pair(home: str, run: str, step: int) -> Eaten:
        sides: list[Part] = [
            Part("Where is it?", False, "chosen"), Part("In Ghent.", True, "chosen"),
            Part("Where is it?", False, "rejected"), Part("Who cares.", True, "rejected"),
        ]  # fmt: skip
        return msgspec.structs.replace(await told(home, run, 1), rows=[Row("/d:1", 30, 12, sides)])

    monkeypatch.setattr(eaten, "ask", pair)
    async with opened() as pilot:
        await pressed(pilot, "enter")
        text = await pressed(pilot, "e")
        assert "+ is to become likelier, - less likely" in text
        assert text.count("Where is it?") == 1
        assert "+ In Ghent." in text
        assert "- Who cares." in text


async def test_what_cannot_be_told_says_why(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pressed(pilot, "enter")
        assert "There is no run" in await pressed(pilot, "e")
