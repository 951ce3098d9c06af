"""The engine as a process: one for each home, started by whoever comes first, gone when nobody needs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from engine import bus
from engine import messages as m
from engine.client.link import Link
from tests.engine.process.driving import Driver, wait_for


def _engines(home: Path) -> list[int]:
    """Every process that is an engine of this home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "engine.server" in (process.info["cmdline"] or []) and process.status() != psutil.STATUS_ZOMBIE:
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if environment.get("OPENLORA_HOME") == str(home):
                found.append(process.pid)
    return found


def test_six_starters_in_a_race_make_one_engine(home: Path) -> None:
    code = (
        "from engine import paths; from engine.client.start import attach; from engine import bus;"
        "root = paths.home(); attach(root); print(bus.engine_pid(root))"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    answers = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert len(answers) == 1
    assert _engines(home) == [int(answers.pop())]


def test_the_engine_leaves_when_nobody_is_attached_and_nothing_runs(home: Path) -> None:
    link = Link(home)
    link.start()
    wait_for(lambda: link.connected, bool, 30)
    assert _engines(home)
    link.close()
    wait_for(lambda: _engines(home), lambda engines: not engines, 30)
    assert not (home / "live").exists() or not any((home / "live").iterdir())


def test_a_front_end_reconnects_to_the_next_engine_by_itself(home: Path) -> None:
    link = Link(home)
    link.start()
    first = wait_for(link.receive, lambda came: any(isinstance(x, m.Welcome) for x in came), 30)
    old = next(x.pid for x in first if isinstance(x, m.Welcome))
    os.kill(old, signal.SIGKILL)
    second = wait_for(link.receive, lambda came: any(isinstance(x, m.Welcome) for x in came), 60)
    new = next(x.pid for x in second if isinstance(x, m.Welcome))
    assert new != old
    assert _engines(home) == [new]
    link.close()


def test_a_front_end_that_is_killed_is_forgotten(driver: Driver) -> None:
    code = "from engine import paths; from engine.client.link import Link; import time;\n"
    code += "link = Link(paths.home()); link.start()\nwhile not link.connected: time.sleep(0.01)\n"
    code += "print('attached', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "attached\n"
    other.kill()
    other.wait()
    assert driver.session.rows() == []


def test_the_engine_never_imports_torch(driver: Driver) -> None:
    pid = bus.engine_pid(driver.root)
    assert pid is not None
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert "torch" not in mapped
