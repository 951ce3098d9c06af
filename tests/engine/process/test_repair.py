"""A run that fails is mended by a linked one: from its last good checkpoint, told, itself untouched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import bus, faults
from engine import events as ev
from engine.event_log import EventReader
from engine.run_dir import RunDir, all_runs
from openlora_tui.cli.session import Session
from tests.engine.process.driving import Driver

_COMMAND = [sys.executable, "-m", "openlora_tui.cli.main"]


def _followed(driver: Driver, run: str) -> str:
    """The run that the engine began to mend `run`, once it has said so."""
    state = driver.until(run, lambda state: state.remarks.followed is not None)
    assert state.remarks.followed is not None
    return state.remarks.followed.run


def _openlora(*words: str, columns: int = 120) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": str(columns)}
    return subprocess.run(
        [*_COMMAND, *words], capture_output=True, text=True, timeout=300, env=env, check=False
    )


def _checkpoints(driver: Driver, run: str) -> list[str]:
    return sorted(path.name for path in RunDir(driver.root, run).checkpoints.glob("step-*"))


def test_a_killed_run_is_gone_on_with_by_itself_and_comes_to_the_same_adapter(
    driver: Driver, unbroken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(faults.VARIABLE, "kill@55")
    first = driver.submit(on_failure="repair")
    dead = driver.ended(first)
    before = RunDir(driver.root, first).events.read_bytes()
    second = _followed(driver, first)
    ended = driver.ended(second)
    assert ended.status == "succeeded", ended.outcome
    assert driver.adapter(second) == unbroken
    assert (dead.status, driver.state(first).status) == ("failed", "failed")
    assert RunDir(driver.root, first).events.read_bytes().startswith(before)
    assert _checkpoints(driver, first) == ["step-00000020", "step-00000040"]
    resumed = [e for e in _events(driver, second) if isinstance(e, ev.Resumed)]
    assert [event.step for event in resumed] == [40]
    [tried] = ended.remarks.tried
    assert (tried.run, tried.by, tried.attempt, tried.patch.recipe) == (first, "engine", 1, {})
    assert ended.lineage == [first]


def test_a_rate_that_is_too_high_is_lowered_until_it_learns_and_the_morning_after_says_so(
    driver: Driver,
) -> None:
    first = driver.submit(
        on_failure="repair", learning_rate=1.0, max_grad_norm=0, lr_scheduler_type="constant"
    )
    run, seen = first, [first]
    while (following := _following(driver, run)) is not None:
        run = following
        seen.append(run)
    ended = driver.state(run)
    assert ended.status == "succeeded", ended.outcome
    assert len(seen) > 1
    shown = _openlora("runs", "show", "last", columns=40)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert len(lines) <= 20, shown.stdout
    assert all(len(line) <= 40 and line.isascii() and line.isprintable() for line in lines), shown.stdout
    assert "learning_rate 1 -> " in " ".join(line.strip() for line in lines)
    assert f"openlora chat {run}" in shown.stdout
    told = json.loads(_openlora("runs", "show", first, "--json").stdout)
    assert told["next"] == f"openlora runs show {seen[1]}"
    lessons = {lesson.run: lesson for lesson in driver.session.lessons()}
    assert lessons[run].attempts[0].helped is True


def test_a_person_chooses_a_remedy_and_is_told_what_is_known_to_fail(driver: Driver) -> None:
    bad = {"learning_rate": 1.0, "max_grad_norm": 0, "lr_scheduler_type": "constant"}
    first = driver.submit(**bad)
    assert driver.ended(first).status == "failed"
    listed = json.loads(_openlora("runs", "retry", first, "--list", "--json").stdout)["remedies"]
    assert listed[0]["patch"]["recipe"]["learning_rate"] < 1.0
    again = _openlora("runs", "retry", first, "--set", "learning_rate=1", "--detach", "--json")
    assert f"run {first} failed with these settings" in again.stdout, again.stderr
    refused = _openlora("runs", "retry", first, "--with", "99")
    assert refused.returncode == 2
    assert "There is no remedy 99" in refused.stderr
    assert "Traceback" not in refused.stderr
    driver.session.act(json.loads(again.stdout)["run"], "kill")


def test_what_no_recipe_can_mend_is_said_and_not_tried(driver: Driver, tmp_path: Path) -> None:
    rows = tmp_path / "gone.txt"
    rows.write_text("a row\n" * 50)
    run = driver.submit(on_failure="repair", data=str(rows), eval_data=str(rows), save_steps=0, max_steps=3)
    rows.unlink()
    assert driver.ended(run).status == "failed"
    assert _followed(driver, run) == ""


def test_a_run_that_failed_while_there_was_no_engine_is_mended_by_the_next_one(
    home: Path, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(faults.VARIABLE, "nan@50")
    first = driver.submit(on_failure="repair")
    driver.until(first, lambda state: state.step >= 20)
    engine = bus.engine_pid(home)
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    with Session(home) as session:
        again = Driver(home, session, driver.recipe)
        assert again.ended(first).status == "failed"
        second = _followed(again, first)
        assert again.ended(second).status == "succeeded"
        assert [run for run in all_runs(home) if run not in (first, second)] == []


def _following(driver: Driver, run: str) -> str | None:
    """The run that mends this one; None where it needs no mending."""
    ended = driver.ended(run)
    if ended.status == "succeeded":
        return None
    following = _followed(driver, run)
    assert following, driver.state(run).remarks.followed
    return following


def _events(driver: Driver, run: str) -> list[ev.AnyEvent | None]:
    return [ev.decode(line) for line in EventReader(RunDir(driver.root, run).events)]
