"""One act on several runs: those that wait come first, and the command comes back when all have ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from engine import bus
from tests.engine.process.driving import Driver, reached, worker_pid

LONG = 100_000
CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main"]


def openlora(*words: str, status: int = 0) -> Any:
    done = subprocess.run([*CLI, *words, "--json"], capture_output=True, text=True, timeout=180)
    assert done.returncode == status, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_all_runs_are_asked_to_stop_and_save_and_none_that_waited_starts(driver: Driver) -> None:
    assert openlora("runs", "stop", "--all") == {"runs": []}
    first = driver.submit(max_steps=LONG)
    driver.until(first, reached(1))
    waiting = [driver.submit(max_steps=LONG), driver.submit(max_steps=LONG)]
    told = openlora("runs", "stop", "--all")["runs"]
    assert [one["run"] for one in told] == [*waiting, first]
    assert {one["status"] for one in told} == {"stopped"}
    assert told[-1]["step"] >= 1
    assert driver.adapter(first)
    assert [driver.state(run).step for run in waiting] == [0, 0]
    assert "openlora runs stop --all" not in uninstall_refuses()
    openlora("runs", "delete", *waiting, "--yes")
    assert [row.run for row in driver.session.rows()] == [first]
    stays = [entry["path"] for entry in openlora("uninstall", "--dry-run")["stays"]]
    assert [path for path in stays if path.startswith(str(driver.root))] == [], (
        "files with no name in `where`"
    )


def uninstall_refuses() -> str:
    """What an uninstall says of live runs; empty where it would go ahead."""
    command = [*CLI, "uninstall"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode in (1, 2), done.stdout
    return done.stderr


def test_who_waits_too_long_gives_up_and_who_is_refused_is_named(driver: Driver) -> None:
    run = driver.submit(max_steps=LONG)
    pid = worker_pid(driver.until(run, reached(1)))
    os.kill(pid, signal.SIGSTOP)
    (told,) = openlora("runs", "stop", run, "--wait", "--within", "0.5", status=1)["runs"]
    assert (told["run"], told["refused"]) == (run, False)
    assert told["status"] != "stopped"
    assert "openlora runs stop --all" in uninstall_refuses()
    os.kill(pid, signal.SIGCONT)
    driver.ended(run)
    other = driver.submit(max_steps=LONG)
    told = openlora("runs", "pause", run, other, status=1)["runs"]
    assert (told[0]["run"], told[0]["refused"]) == (run, True)
    assert "'77'" in openlora("runs", "kill", other, "77", status=2)["error"]["what"]
    openlora("runs", "kill", other, "--wait")


def test_an_engine_that_dies_while_a_stop_is_waited_for_takes_nothing_with_it(driver: Driver) -> None:
    run = driver.submit(max_steps=LONG)
    pid = worker_pid(driver.until(run, reached(1)))
    os.kill(pid, signal.SIGSTOP)
    command = [*CLI, "runs", "stop", "--all"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        assert "stop was sent" in waiting.stderr.readline()
        engine = bus.engine_pid(driver.root)
        assert engine is not None
        os.kill(engine, signal.SIGKILL)
        os.kill(pid, signal.SIGCONT)
        _, said = waiting.communicate(timeout=120)
        assert waiting.returncode == 0, said
    assert f"run {run} quick: stopped at step" in said
