"""Runs in real worker processes: queued, paused, saved, stopped, and one job to a device."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import events as ev
from engine import messages as m
from engine.client.context import job_context
from engine.client.link import Link
from engine.event_log import EventReader
from engine.problem import Problem
from engine.run_dir import RunDir, process_start
from engine.run_state import RunState, fold
from tests.engine.process.driving import STEPS, Driver, reached, wait_for

LONG = 100_000


def _steps(driver: Driver, run: str) -> list[int]:
    decoded = (ev.decode(line) for line in EventReader(RunDir(driver.root, run).events))
    return [event.step for event in decoded if isinstance(event, ev.Step)]


def test_a_run_ends_with_a_verified_adapter_that_equals_the_foreground_run(
    driver: Driver, unbroken: bytes
) -> None:
    run = driver.submit()
    state = driver.ended(run)
    assert state.status == "succeeded", state.outcome
    assert driver.adapter(run) == unbroken
    assert _steps(driver, run) == list(range(1, STEPS + 1))
    assert driver.session.state(run) == state_without_offset(state, driver, run)


def state_without_offset(state: RunState, driver: Driver, run: str) -> RunState:
    """The fold of the file, which counts no bytes, with the bytes that the engine counted."""
    state.offset = RunDir(driver.root, run).events.stat().st_size
    return state


def test_a_device_takes_one_job_and_the_next_waits_and_says_for_what(driver: Driver) -> None:
    first = driver.submit(max_steps=LONG)
    second = driver.submit()
    waiting = driver.until(second, lambda state: "holds" in state.reason)
    assert waiting.status == "queued"
    assert waiting.reason == f"waits for cpu, which run {first} holds"
    driver.until(first, reached(1))
    driver.session.act(first, "kill")
    assert driver.ended(first).status == "interrupted"
    assert driver.until(second, reached(1)).status == "running"
    driver.session.act(second, "kill")
    driver.ended(second)


def test_a_queued_run_is_taken_off_the_queue(driver: Driver) -> None:
    first = driver.submit(max_steps=LONG)
    second = driver.submit()
    driver.session.act(second, "stop")
    assert driver.ended(second).status == "stopped"
    driver.session.act(first, "kill")
    driver.ended(first)


def test_pause_save_continue_and_stop_are_answered_between_micro_batches(driver: Driver) -> None:
    run = driver.submit(max_steps=LONG, save_steps=0)
    driver.until(run, reached(5))
    driver.session.act(run, "pause")
    paused = driver.until(run, lambda state: state.status == "paused")
    driver.session.act(run, "save")
    saved = driver.until(run, lambda state: state.checkpoint is not None and state.status == "paused")
    assert saved.checkpoint is not None
    assert saved.checkpoint.step >= paused.step
    driver.session.act(run, "resume")
    driver.until(run, reached(paused.step + 5))
    driver.session.act(run, "stop")
    stopped = driver.ended(run)
    assert stopped.status == "stopped"
    assert stopped.outcome is not None
    assert stopped.outcome.adapter is not None
    assert (Path(stopped.outcome.adapter) / "adapter_model.safetensors").is_file()


def test_what_a_run_cannot_take_is_refused_with_the_reason(driver: Driver) -> None:
    run = driver.submit(max_steps=2)
    driver.ended(run)
    with pytest.raises(Problem, match="cannot take `pause`"):
        driver.session.act(run, "pause")
    with pytest.raises(Problem, match="no run '99'"):
        driver.session.act("99", "stop")


def test_a_run_that_cannot_start_says_why(driver: Driver) -> None:
    run = driver.submit(model="/nowhere/at/all")
    state = driver.ended(run)
    assert isinstance(state.outcome, ev.Failed)
    assert "/nowhere/at/all" in f"{state.outcome.what} {state.outcome.where} {state.outcome.why}"
    assert state.outcome.do
    assert state.outcome.log.endswith("console.log")


def test_the_spare_worker_takes_the_job_of_an_app(home: Path, driver: Driver) -> None:
    app = Link(home, app=True)
    app.start()
    wait_for(lambda: list((home).glob("spare.log")), bool, 30)
    run = ""
    # The spare needs seconds to import; a run that comes earlier starts a process of its own.
    for _ in range(5):
        run = driver.submit(max_steps=2)
        state = driver.ended(run)
        assert state.status == "succeeded"
        lines = list(EventReader(RunDir(home, run).events))
        started = [e for e in map(ev.decode, lines) if isinstance(e, ev.Started)]
        if started[0].spare:
            break
        wait_for(lambda: (home / "spare.log").stat().st_mtime, bool, 5)
    assert started[0].spare
    assert RunDir(home, run).console.exists()
    app.close()


def test_several_front_ends_see_the_same_events(home: Path, driver: Driver) -> None:
    run = driver.submit()
    fronts = [Link(home) for _ in range(2)]
    folded = [RunState(), RunState()]
    for front in fronts:
        front.start()
        front.send(m.Watch(front=front.front, run=run))

    def all_ended() -> bool:
        for front, state in zip(fronts, folded, strict=True):
            _take(front, state)
        return all(state.outcome is not None for state in folded)

    wait_for(all_ended, bool)
    assert folded[0].events == folded[1].events == driver.state(run).events
    assert folded[0].loss == folded[1].loss == driver.state(run).loss
    for front in fronts:
        front.close()


def _take(front: Link, state: RunState) -> None:
    for message in front.receive():
        if isinstance(message, m.Snapshot) and state.events == 0:
            for name in RunState.__struct_fields__:
                setattr(state, name, getattr(message.state, name))
        if isinstance(message, m.Happened):
            assert message.number == state.events
            fold(message.lines, state)


def test_train_streams_events_and_ends_with_the_final_one(home: Path, recipe_file: Path) -> None:
    done = _openlora("train", str(recipe_file), "--json", "--set", "max_steps=3")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["step"] for e in events if e["event"] == "step"] == [1, 2, 3]
    last = events[-1]
    assert last["event"] == "finished"
    assert {"run", "steps", "loss", "adapter", "findings"} <= last.keys()
    assert last["steps"] == 3
    assert Path(last["adapter"]).is_absolute()


def test_detach_prints_the_run_and_show_has_the_stable_keys(home: Path, recipe_file: Path) -> None:
    done = _openlora("train", str(recipe_file), "--detach", "--json", "--max-steps", "2")
    run = json.loads(done.stdout)["run"]
    watched = _openlora("runs", "watch", run, "--json")
    assert json.loads(watched.stdout.splitlines()[-1])["event"] == "finished"
    shown = json.loads(_openlora("runs", "show", run, "--json").stdout)
    stable = {"run", "status", "step", "steps", "loss", "worker_pid", "adapter", "findings"}
    assert stable <= shown.keys()
    assert (shown["run"], shown["status"], shown["step"], shown["steps"]) == (run, "succeeded", 2, 2)
    deleted = _openlora("runs", "delete", run, "--yes")
    assert deleted.returncode == 0
    assert json.loads(_openlora("runs", "--json").stdout) == {"runs": []}


def _openlora(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openlora_tui.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, env=os.environ.copy())


def test_a_job_never_takes_the_engine_s_environment(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "/somewhere/of/mine")
    monkeypatch.setenv("HF_TOKEN", "hf_a_secret_that_must_not_reach_a_disk")
    context = job_context()
    run = driver.submit(max_steps=LONG)
    pid = driver.until(run, lambda state: state.pid != 0).pid
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert b"HF_HOME=/somewhere/of/mine" in environment
    assert context.env["HF_TOKEN"] == "hf_a_secret_that_must_not_reach_a_disk"
    driver.session.act(run, "kill")
    driver.ended(run)
    for file in driver.root.rglob("*"):
        if file.is_file():
            assert b"must_not_reach_a_disk" not in file.read_bytes(), file


def test_a_run_whose_directory_is_removed_by_hand_is_let_go(driver: Driver) -> None:
    run = driver.submit(max_steps=LONG)
    pid = driver.until(run, reached(1)).pid
    shutil.rmtree(RunDir(driver.root, run).path, ignore_errors=True)
    wait_for(driver.session.rows, lambda rows: rows == [])
    wait_for(lambda: process_start(pid), lambda start: start is None)
    following = driver.submit(max_steps=2)
    assert int(following) > 0
    assert driver.ended(following).status == "succeeded"
