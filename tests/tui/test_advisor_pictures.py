"""The advisor in each state as it was found good; `UPDATE_PICTURES=1` renews the pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import messages as ms
from engine.local_model import talk
from tests.tui.advised import AdvisedEngine, dead, healthy, lay, noticed
from tests.tui.fake_engine import MACHINE
from tests.tui.screen_picture import as_found_good
from tests.tui.test_advisor import beside, press, until

Prepare = Callable[[AdvisedEngine, Path], None]


def live(engine: AdvisedEngine, home: Path) -> None:
    lay(engine, home, noticed())


def well(engine: AdvisedEngine, home: Path) -> None:
    lay(engine, home, healthy())


def died(engine: AdvisedEngine, home: Path) -> None:
    lay(engine, home, dead(), "failed")


def none(engine: AdvisedEngine, home: Path) -> None:
    engine.list([])


SCENES: dict[str, tuple[Prepare, list[str]]] = {
    "advisor": (live, ["enter", "a"]),
    "advisor-left": (live, ["enter", "a", "escape"]),
    "advisor-runs": (live, ["a"]),
    "advisor-well": (well, ["enter", "a"]),
    "advisor-empty": (none, ["a"]),
    "advisor-failed": (died, ["enter", "a"]),
    "advisor-change": (live, ["enter", "a", "p"]),
    "advisor-retry": (died, ["enter", "enter"]),
    "advisor-aside": (live, ["enter", "a", "x"]),
    "advisor-evidence": (live, ["enter", "a", "enter"]),
    "advisor-note": (live, ["enter", "m", "w"]),
    "failure": (died, ["enter"]),
    "failure-log": (died, ["enter", "l"]),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
async def test_the_advisor_is_as_it_was_found_good(scene: str, size: tuple[int, int], home: Path) -> None:
    await _compare(scene, f"{scene}-{size[0]}x{size[1]}", AdvisedEngine(), home, size)


LOOKS: list[tuple[str, tuple[int, int], dict[str, Any]]] = [
    ("60x20", (60, 20), {}),
    ("200x50", (200, 50), {}),
    ("light-120x36", (120, 36), {"theme": "openlora-light"}),
    ("ascii-120x36", (120, 36), {"ascii_only": True}),
    ("colours-none-80x24", (80, 24), {"colours": "none"}),
]


@pytest.mark.parametrize("scene", ["advisor", "failure"])
async def test_other_sizes_and_looks(scene: str, home: Path) -> None:
    for name, size, options in LOOKS:
        engine, folder = AdvisedEngine(), home / name
        await _compare(scene, f"{scene}-{name}", engine, folder, size, **options)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_a_question_and_its_answers(size: tuple[int, int], home: Path) -> None:
    engine = AdvisedEngine()
    live(engine, home)
    async with beside(engine, size) as pilot:
        engine.push(ms.Measured(machine=MACHINE))
        await press(pilot, "enter", "a", "i")
        pilot.app.screen.query_one("AskLine").value = "why did the loss jump at 310?"
        await press(pilot, "enter")
        await until(pilot, lambda: pilot.app.asking.answering is None)
        as_found_good(pilot.app, f"advisor-asked-{size[0]}x{size[1]}")
        asking = pilot.app.asking
        asking.ready = talk.Ready(model="qwen2.5-1.5b-q4_k_m")
        exchange = asking.exchanges[0]
        exchange.answer, exchange.text = None, "The gradient norm was 6.9 where it is"
        await until(pilot, lambda: True)
        as_found_good(pilot.app, f"advisor-streaming-{size[0]}x{size[1]}")
        exchange.problem = {"what": "The advisor's process was killed.", "do": "Ask again."}
        await until(pilot, lambda: True)
        as_found_good(pilot.app, f"advisor-error-{size[0]}x{size[1]}")


async def _compare(
    scene: str, name: str, engine: AdvisedEngine, home: Path, size: tuple[int, int], **options: Any
) -> None:
    prepare, keys = SCENES[scene]
    prepare(engine, home)
    async with beside(engine, size, **options) as pilot:
        engine.push(ms.Measured(machine=MACHINE))
        await press(pilot, *keys)
        advising = pilot.app.advising
        await until(pilot, lambda: None not in advising._examined.values())
        if scene in ("advisor-change", "advisor-retry"):
            await until(pilot, lambda: type(pilot.app.screen).__name__ == "ApplyPatch")
        await until(pilot, lambda: True)
        as_found_good(pilot.app, name, home)
