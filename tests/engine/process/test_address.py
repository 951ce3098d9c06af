"""Where the engine is found: it stands again after a cleaner of /tmp, and a long TMPDIR does not matter."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine import bus
from engine.alone import holder
from engine.client import start
from engine.paths import engine_link
from openlora_tui.cli.session import Session
from tests.engine.process.driving import Driver, wait_for

ATTACH = "from engine import bus, paths; bus.connect(paths.home()); print(bus.engine_pid(paths.home()))"


def _files(home: Path) -> list[Path]:
    link = engine_link(home)
    return [path for path in link.parent.iterdir() if path.name.startswith(link.stem)]


@pytest.mark.parametrize("kept", ["nothing", ".sock", ".key", ".lock"])
def test_a_living_engine_listens_again_where_its_files_were_removed(driver: Driver, kept: str) -> None:
    engine = holder(driver.root)
    for file in _files(driver.root):
        if file.suffix != kept:
            file.unlink()
    assert driver.session.rows() == []  # who is attached notices nothing

    def attached() -> str:
        words = [sys.executable, "-c", ATTACH]
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.strip()

    assert wait_for(attached, bool, 30) == str(engine)
    assert holder(driver.root) == engine


def test_who_comes_while_the_files_are_gone_finds_the_same_engine(driver: Driver) -> None:
    engine = holder(driver.root)
    for file in _files(driver.root):
        file.unlink()
    code = "from engine import bus, paths; from engine.client.start import attach;"
    code += "attach(paths.home()); print(bus.engine_pid(paths.home()))"
    starters = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert answers == {str(engine)}


def test_a_long_folder_for_temporary_files_does_not_lengthen_the_socket_s_path(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("t" * 120)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    code = "from engine import paths; from engine.client.start import attach; attach(paths.home())"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert holder(home) == bus.engine_pid(home)


def test_what_a_dead_engine_left_or_someone_put_there_is_in_nobody_s_way(home: Path) -> None:
    link = engine_link(home)
    dead = link.with_name(f"{link.stem}-1.sock")
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(dead))
    left.close()
    dead.with_suffix(".key").write_bytes(b"of the dead")
    link.write_text("no link at all")
    code = "from engine import paths; from engine.client.start import attach; attach(paths.home())"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert not dead.exists()
    assert not dead.with_suffix(".key").exists()
    assert holder(home) == bus.engine_pid(home)


def test_two_homes_have_two_engines_and_nothing_is_mixed(driver: Driver, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "runs").mkdir(parents=True)
    with Session(other) as session:
        assert holder(other) not in (None, holder(driver.root))
        here = driver.session.submit(driver.recipe, hold=True)
        there = [session.submit(driver.recipe, hold=True) for _ in range(2)]
        assert [row.run for row in driver.session.rows()] == [here]
        assert [row.run for row in session.rows()] == there[::-1]
        session.act(there[0], "stop")
        assert driver.session.state(here).status == "queued"
    pid = holder(other)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert len(driver.session.rows()) == 1


def test_a_starter_that_was_stopped_does_not_hold_up_the_next_for_ever(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_PATIENCE", 10.0)
    with engine_link(home).with_suffix(".start").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        boxes = start.attach(home)
        assert boxes.take("front-test") == []
    assert holder(home) == bus.engine_pid(home)
