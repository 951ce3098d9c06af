"""Faults injected into real workers: each is told of, happens once, and costs no result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import events as ev
from engine import faults, paths
from engine.client.context import job_context
from engine.client.link import Link
from engine.event_log import EventReader
from engine.problem import Problem
from engine.recipe import absolute_text, changed
from engine.run_dir import RunDir
from engine.run_state import RunState
from tests.engine.process.driving import Driver, wait_for


def _submit(driver: Driver, words: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(faults.VARIABLE, words)
    return driver.submit()


def _resumed(driver: Driver, run: str) -> RunState:
    """The run's end after a resume from this shell."""
    driver.session.act(run, "resume", job_context())
    driver.until(run, lambda state: state.outcome is None)
    return driver.ended(run)


def _titles(state: RunState) -> str:
    assert state.outcome is not None
    return " | ".join(finding.title for finding in state.outcome.findings)


def _events(driver: Driver, run: str) -> list[ev.AnyEvent | None]:
    return [ev.decode(line) for line in EventReader(RunDir(driver.root, run).events)]


def test_kill_is_told_and_strikes_once_though_it_is_still_asked_for(
    driver: Driver, unbroken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _submit(driver, "kill@45,nan@500", monkeypatch)
    dead = driver.ended(run)
    assert isinstance(dead.outcome, ev.Failed)
    assert dead.outcome.signal == "SIGKILL"
    assert "OPENLORA_FAULT asked for it: kill@step:45" in dead.outcome.why
    assert dead.step in (43, 44)
    ended = _resumed(driver, run)
    assert ended.status == "succeeded", ended.outcome
    assert "injected on purpose: kill@step:45" in _titles(ended)
    assert "These faults did not come about: nan@step:500." in [line.text for line in ended.log]
    assert driver.adapter(run) == unbroken


def test_a_torn_checkpoint_gives_way_to_the_one_before(
    driver: Driver, unbroken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _submit(driver, "torn-checkpoint@55,kill@75", monkeypatch)
    driver.ended(run)
    monkeypatch.delenv(faults.VARIABLE)
    ended = _resumed(driver, run)
    assert ended.status == "succeeded", ended.outcome
    assert "injected on purpose: kill@step:75" in _titles(ended)
    assert [event.step for event in _events(driver, run) if isinstance(event, ev.Resumed)] == [40]
    assert "a newer checkpoint is damaged" in _titles(ended)
    assert driver.adapter(run) == unbroken


def test_a_waiting_worker_takes_the_faults_of_its_job_and_not_those_of_its_app(
    home: Path, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(faults.VARIABLE, "kill@3")
    app = Link(home, app=True)
    app.start()
    try:
        wait_for(lambda: (home / "spare.log").exists(), bool)
        monkeypatch.delenv(faults.VARIABLE)
        ended = wait_for(lambda: driver.ended(driver.submit(max_steps=5)), _waited)
        assert ended.status == "succeeded", ended.outcome
        assert not any("injected" in finding.title for finding in ended.findings)
    finally:
        app.close()


def _waited(state: RunState) -> bool:
    return any("it was waiting" in line.text for line in state.log)


def test_a_hang_is_found_with_the_place_where_the_loop_waits(home: Path, driver: Driver) -> None:
    directory = RunDir.create(home, absolute_text(changed(driver.recipe, {"max_steps": 50})), job_context())
    quick = "from engine.worker import pulse; pulse._BEAT, pulse._STALL = 0.1, 0.5; "
    main = "import sys; from engine.worker.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", quick + main, str(directory.path), "--device", "cpu"]
    worker = subprocess.Popen(command, env=os.environ | {faults.VARIABLE: "hang@20"})
    try:
        state = driver.until(directory.run, _hangs_in_faults)
    finally:
        worker.kill()
        worker.wait(timeout=60)
    assert state.step in (18, 19)
    assert any("injected on purpose: hang@step:20" in finding.title for finding in state.findings)


def _hangs_in_faults(state: RunState) -> bool:
    stalls = [finding for finding in state.findings if finding.category == "hang_or_slow"]
    return any("faults.py" in line for finding in stalls for line in finding.evidence)


def test_a_wrong_word_is_refused_before_there_is_a_run(
    home: Path, recipe_file: Path, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Problem, match="'kill@lunch' is no fault"):
        _submit(driver, "oom@3,kill@lunch", monkeypatch)
    command = [sys.executable, "-m", "openlora_tui.cli.main", "train", str(recipe_file), "--foreground"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "'kill@lunch' is no fault" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(paths.runs_folder(home).iterdir())
