"""The app on a fake engine, with a clock that stands still."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

os.environ["TEXTUAL_ANIMATIONS"] = "none"

import pytest
from textual.pilot import Pilot

from openlora_tui.app import OpenLoraApp
from tests.tui.fake_engine import RUN, FakeEngine, rows, state_of, trained

RECIPE = "# my own words\nmodel: ./model\ndata: rows.csv\nlearning_rate: 1e-4   # lower\n"
Settle = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def still_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path) -> None:
    """The same time zone, and no themes, models or drafts of the person who runs the tests."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    time.tzset()


@pytest.fixture
def engine() -> FakeEngine:
    """An engine with six runs, of which one can be watched."""
    engine = FakeEngine()
    engine.list(rows())
    engine.states[RUN] = state_of(trained())
    return engine


async def settle(pilot: Pilot[Any]) -> None:
    """Let everything that has come be taken in and painted."""
    await pilot.pause()
    app = pilot.app
    assert isinstance(app, OpenLoraApp)
    for _ in range(20):
        app.tick()
    await pilot.pause()


@pytest.fixture
def opened(engine: FakeEngine, tmp_path: Path) -> Any:
    """Opens the app on the fake engine and waits until it has connected."""

    @asynccontextmanager
    async def open_app(width: int = 80, height: int = 24, **options: Any) -> Any:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        options.setdefault("colours", "full")
        app = OpenLoraApp(lambda: engine, clock=lambda: engine.now, folder=folder, **options)
        async with app.run_test(size=(width, height)) as pilot:
            await pilot.pause()
            await app.workers.wait_for_complete()
            await settle(pilot)
            yield pilot

    return open_app


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a model and 412 rows."""
    folder = tmp_path / "work"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text('{"model_type": "llama"}')
    (folder / "rows.csv").write_text("prompt,completion\n" + "Hi,Hello\n" * 412)
    return folder


@pytest.fixture
def mine(work: Path) -> Path:
    """A recipe in it."""
    (work / "mine.yaml").write_text(RECIPE)
    return work / "mine.yaml"
