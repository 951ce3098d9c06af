"""Disk use, on the Runs screen: what there is, what holds it, and a question before anything goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import events as ev
from engine.event_log import append
from engine.messages import JobContext
from engine.run_dir import RunDir
from openlora_tui.modals.ask import Ask
from openlora_tui.modals.storage import Storage
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine
from tests.tui.screen_picture import shown


def run_in(home: Path, name: str) -> RunDir:
    (home / "runs").mkdir(parents=True, exist_ok=True)
    context = JobContext(python="python", cwd="/", umask=0o022)
    directory = RunDir.create(home, "model: m\ndata: d\n", context)
    step = directory.checkpoints / "step-00000009"
    step.mkdir(parents=True)
    (step / "weights").write_bytes(bytes(3 << 20))
    done = ev.Finished(run=directory.run, outcome="succeeded", steps=9, loss=1.0, adapter=None)
    append(directory.events, [ev.Created(run=directory.run, name=name, model="m", data=["d"]), done])
    return directory


async def until(pilot: Any, text: str, there: bool = True) -> None:
    for _ in range(200):
        await settle(pilot)
        if (text in shown(pilot.app)) is there:
            return
    raise AssertionError(f"{text!r} never came:\n{shown(pilot.app)}")


async def test_u_shows_what_takes_room_and_d_removes_it_once_confirmed(
    opened: Any, engine: FakeEngine, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    engine.home = str(tmp_path)
    live, done = run_in(tmp_path, "at-work"), run_in(tmp_path, "finished-one")
    live.mark_live()
    async with opened() as pilot:
        await pilot.press("u")
        await until(pilot, "finished-one")
        assert isinstance(pilot.app.screen, Storage)
        assert "3.0 MiB" in shown(pilot.app)
        assert f"run {live.run} is live" in shown(pilot.app)
        await pilot.press("P")
        assert isinstance(pilot.app.screen, Ask)
        await pilot.press("enter")
        assert done.resumable(), "the first answer removes nothing"
        await pilot.press("P", "down", "enter")
        await until(pilot, "finished-one", there=False)
        assert (done.resumable(), live.resumable()) == (False, True)
        await pilot.press("d")
        assert not isinstance(pilot.app.screen, Ask), "what is held cannot go"
        await pilot.press("escape")


async def test_where_nothing_takes_room_it_says_so(
    opened: Any, engine: FakeEngine, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    engine.home = str(tmp_path)
    (tmp_path / "runs").mkdir()
    async with opened() as pilot:
        await pilot.press("u")
        await until(pilot, "Nothing takes room here.")
        await pilot.press("d", "P")
        assert isinstance(pilot.app.screen, Storage)
