"""`kill -9` of front end, engine and worker: nothing is lost but the work since the last checkpoint."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import bus, faults
from engine import events as ev
from engine.event_log import EventReader
from engine.run_dir import RunDir
from engine.run_state import fold
from tests.engine.process import killing
from tests.engine.process.driving import STEPS, Driver, adapter_bytes, reached, wait_for, worker_pid
from tests.terminal import Terminal


def test_a_worker_killed_in_a_step_is_explained_and_resumes_bit_for_bit(
    driver: Driver, unbroken: bytes
) -> None:
    run = driver.submit()
    state = driver.until(run, reached(45))
    os.kill(worker_pid(state), signal.SIGKILL)
    dead = driver.ended(run)
    assert isinstance(dead.outcome, ev.Failed)
    assert dead.status == "failed"
    assert dead.outcome.signal == "SIGKILL"
    assert dead.outcome.resumable
    assert dead.outcome.do
    assert dead.findings
    driver.session.act(run, "resume")
    driver.until(run, lambda state: state.outcome is None)
    resumed = driver.ended(run)
    assert resumed.status == "succeeded", resumed.outcome
    assert driver.adapter(run) == unbroken
    assert resumed.step == STEPS


def test_a_killed_engine_does_not_touch_the_run_and_the_next_one_adopts_it(
    driver: Driver, unbroken: bytes
) -> None:
    run = driver.submit()
    driver.until(run, reached(10))
    engine = bus.engine_pid(driver.root)
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    wait_for(lambda: bus.engine_pid(driver.root), lambda pid: pid not in (None, engine), 60)
    state = driver.session.state(run)
    assert state.run == run
    ended = driver.ended(run)
    assert ended.status == "succeeded", ended.outcome
    assert driver.adapter(run) == unbroken
    steps = [e.step for e in _events(driver, run) if isinstance(e, ev.Step)]
    assert steps == list(range(1, STEPS + 1))
    stored = wait_for(lambda: driver.session.state(run), lambda state: state.outcome is not None)
    assert stored.loss == ended.loss


def test_an_adopted_worker_that_dies_is_explained_by_its_last_event_and_console(driver: Driver) -> None:
    run = driver.submit(max_steps=100_000)
    driver.until(run, reached(25))
    engine = bus.engine_pid(driver.root)
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    wait_for(lambda: bus.engine_pid(driver.root), lambda pid: pid not in (None, engine), 60)
    driver.session.rows()
    os.kill(worker_pid(driver.state(run)), signal.SIGKILL)
    dead = driver.ended(run)
    assert isinstance(dead.outcome, ev.Failed)
    assert dead.outcome.what == "The worker is gone and left no last word."
    assert f"step {dead.outcome.steps}" in dead.outcome.why
    assert dead.outcome.resumable


def test_a_killed_app_leaves_the_run_going_and_the_next_one_shows_it(driver: Driver) -> None:
    run = driver.submit(max_steps=100_000, save_steps=0)
    driver.until(run, reached(5))
    command = [sys.executable, "-m", "openlora_tui.start"]
    with Terminal(command) as app:  # which ends with SIGKILL
        app.until("quick")
        app.press("\r")
        app.until("/ 100,000")
    step = driver.state(run).step
    driver.until(run, reached(step + 5))
    with Terminal(command) as app:
        app.until("quick")
        app.press("\r")
        app.until("/ 100,000")
    driver.session.act(run, "kill")
    driver.ended(run)


def test_ctrl_c_stops_and_saves_and_says_so_by_its_status(
    home: Path, recipe_file: Path, driver: Driver
) -> None:
    command = [
        sys.executable,
        "-m",
        "openlora_tui.cli.main",
        "train",
        str(recipe_file),
        "--max-steps",
        "100000",
    ]
    front = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: RunDir(home, "1").events.exists(), bool)
    driver.until("1", reached(5))
    front.send_signal(signal.SIGINT)
    _, said = front.communicate(timeout=60)
    assert front.returncode == 130
    assert "stopping and saving" in said
    assert driver.state("1").status == "stopped"
    assert adapter_bytes(home, "1")


def test_in_the_foreground_sigterm_saves_and_ends_as_resumable(
    home: Path, recipe_file: Path, unbroken: bytes
) -> None:
    front = _foreground("train", str(recipe_file))
    events = RunDir(home, "1").events
    wait_for(lambda: fold(EventReader(events)), reached(30))
    front.send_signal(signal.SIGTERM)
    assert front.wait(timeout=60) == 75
    state = fold(EventReader(events))
    assert state.status == "interrupted"
    assert isinstance(state.outcome, ev.Failed)
    assert state.outcome.resumable
    assert _foreground("runs", "resume", "1").wait(timeout=120) == 0
    assert adapter_bytes(home, "1") == unbroken


def test_in_the_foreground_a_killed_worker_is_explained_and_begins_again_where_it_saved_nothing(
    home: Path, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(faults.VARIABLE, "kill@5")
    assert _foreground("train", str(recipe_file), "--max-steps", "8").wait(timeout=120) == 1
    events = RunDir(home, "1").events
    dead = fold(EventReader(events))
    assert isinstance(dead.outcome, ev.Failed)
    assert dead.outcome.signal == "SIGKILL"
    assert _foreground("runs", "resume", "1").wait(timeout=120) == 0
    ended = fold(EventReader(events))
    assert ended.status == "succeeded"
    assert [step for step, *_ in ended.loss.points()] == list(range(1, 9))
    assert [mark.step for mark in ended.marks if mark.kind == "evaluated"] == [0, 8]


def _foreground(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "openlora_tui.cli.main", *words, "--foreground"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _events(driver: Driver, run: str) -> list[ev.AnyEvent]:
    decoded = (ev.decode(line) for line in EventReader(RunDir(driver.root, run).events))
    return [event for event in decoded if event is not None]


def test_in_the_foreground_sigterm_before_the_worker_listens_is_resumable_too(
    home: Path, recipe_file: Path
) -> None:
    front = _foreground("train", str(recipe_file))
    wait_for(lambda: RunDir(home, "1").events.exists(), bool)
    front.send_signal(signal.SIGTERM)
    assert front.wait(timeout=60) == 75
    outcome = fold(EventReader(RunDir(home, "1").events)).outcome
    assert isinstance(outcome, ev.Failed)
    assert outcome.interrupted
    assert outcome.resumable


KILLS = (
    ("worker", "checkpoint"),
    ("worker", "event"),
    ("worker", "adapter"),
    ("engine", "step"),
    ("front end", "step"),
    ("all three", "step"),
)
"""A short version of `just bench kills`, which knows more places."""


@pytest.fixture(scope="module")
def campaign(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunDir]:
    """A recipe, and the run of it that is never killed."""
    folder = tmp_path_factory.mktemp("campaign")
    recipe = killing.prepare(folder, tiny_model)
    return recipe, killing.never_killed(folder / "unbroken", recipe)


@pytest.mark.parametrize(("victim", "place"), KILLS)
def test_whoever_is_killed_and_where_nothing_is_lost(
    victim: str, place: str, campaign: tuple[Path, RunDir], tmp_path: Path
) -> None:
    recipe, unbroken = campaign
    for seed in map(str, range(10)):
        root = tmp_path / seed
        (root / "runs").mkdir(parents=True)
        with contextlib.suppress(killing.Missed):
            assert killing.attempt(victim, place, seed, root, recipe, unbroken).wrong == []
            return
    pytest.fail("the moment was missed each time")
