"""A home whose disk fills up under engine and worker: both live, say so, and go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus, paths
from engine import events as ev
from engine import messages as m
from engine.event_log import append
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir, deleted_log
from engine.store import Store
from engine.store.store import FILE
from openlora_tui.cli.session import Session
from tests.engine.process.conftest import _end
from tests.engine.process.driving import Driver, reached, wait_for
from tests.engine.small_disk import SmallDisk


@pytest.fixture
def home(small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home on a small disk, whose engine and workers are ended afterwards."""
    monkeypatch.setenv("OPENLORA_HOME", str(small_disk.folder / "home"))
    root = paths.home()
    yield root
    small_disk.free()
    for pid in (
        bus.engine_pid(root),
        *(RunDir(root, run.name).worker() for run in (root / "runs").iterdir()),
    ):
        if isinstance(pid, int):
            _end(pid)
        elif pid is not None and pid.alive:
            _end(pid.pid)


def an_ended_run(root: Path, run: str) -> str:
    """A run that left a checkpoint of 400 kB."""
    folder = root / "runs" / run
    (folder / "checkpoints" / "step-00000001").mkdir(parents=True)
    (folder / "checkpoints" / "step-00000001" / "optimizer.pt").write_bytes(b"x" * 400_000)
    created = ev.Created(run=run, name="old", model="m", data=["d"])
    ended = ev.Finished(run=run, outcome="stopped", steps=1, loss=None, adapter=None)
    append(folder / "events.jsonl", [created, ended])
    return run


def test_the_run_waits_the_engine_lives_and_the_adapter_is_the_same(
    small_disk: SmallDisk, driver: Driver, unbroken: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    old = an_ended_run(driver.root, "900")
    run = driver.submit()
    driver.until(run, reached(25))
    engine = bus.engine_pid(driver.root)
    small_disk.fill()
    paused = driver.until(run, lambda state: state.status == "paused")
    assert paused.reason.startswith("no room for ")
    assert [f.category for f in paused.findings if f.severity == "warning"] == ["save_or_disk"]

    def refused_and_told() -> list[str]:
        with pytest.raises(Problem, match="There is no room on the disk"):
            driver.submit()
        with Session(driver.root) as late:
            return late.welcome.notes

    wait_for(refused_and_told, lambda notes: any("takes no more" in note for note in notes))
    assert {path.name for path in (driver.root / "runs").iterdir()} == {old, run}
    wait_for(lambda: driver.session.state(run), lambda state: state.status == "paused")
    [row] = [row for row in driver.session.rows() if row.run == run]
    assert (row.status, row.silent) == ("paused", False)
    assert driver.session.welcome.pid == bus.engine_pid(driver.root) == engine

    assert f"`openlora runs delete {old}`" in paused.findings[-1].remedy
    driver.session.act(old, "delete")
    driver.until(run, lambda state: any("goes on after" in line.text for line in state.log))
    small_disk.free()
    ended = driver.ended(run)
    assert ended.status == "succeeded", ended.outcome
    assert driver.adapter(run) == unbroken
    assert f'"run":"{old}"' in deleted_log(driver.root).read_text()
    stored = wait_for(lambda: driver.session.state(run), lambda state: state.outcome is not None)
    assert stored.loss == ended.loss
    assert "takes no more" in capsys.readouterr().err


def test_an_ended_run_goes_on_with_another_value_of_a_field(driver: Driver) -> None:
    run = driver.submit(save_steps=5)
    driver.until(run, reached(10))
    driver.session.act(run, "stop")
    assert driver.ended(run).status == "stopped"
    for wrong in ({"lora_r": "8"}, {"learning_rate": "fast"}, {"lorra": "8"}):
        with pytest.raises(Problem):
            driver.session.act(run, "resume", settings=wrong)
    accepted = driver.session.act(run, "resume", settings={"max_steps": "60", "save_steps": "20"})
    assert "max_steps: 120 -> 60 (changes the mathematics); save_steps: 5 -> 20 (safe)" in accepted.note
    driver.until(run, lambda state: state.outcome is None)
    ended = driver.ended(run)
    assert ended.status == "succeeded", ended.outcome
    assert ended.step == 60
    assert any(line.text == "save_steps: 5 -> 20 (safe)" for line in ended.log)
    assert read(RunDir(driver.root, run).recipe).recipe.max_steps == 60


def test_an_index_without_room_is_kept_in_memory_and_nothing_is_set_aside(small_disk: SmallDisk) -> None:
    root = small_disk.folder / "home"
    (root / "runs" / "1").mkdir(parents=True)
    line = ev.encode(ev.Created(run="1", name="a", model="m", data=["d"]))
    (root / "runs" / "1" / "events.jsonl").write_bytes(line)
    small_disk.fill()
    store = Store(root)
    assert any("kept in memory" in note for note in store.notes)
    store.index("1")
    [row] = store.rows(5)
    assert isinstance(row, m.RunRow)
    store.close()
    small_disk.free()
    assert not [name for name in os.listdir(root) if "damaged" in name]
    again = Store(root)
    again.index("1")
    assert again.count() == 1
    again.close()
    assert (root / FILE).stat().st_size > 0
