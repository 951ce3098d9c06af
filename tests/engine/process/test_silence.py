"""An engine that is stopped: everyone is told so within seconds, nobody hangs, and all goes on with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus
from engine import events as ev
from engine import messages as m
from engine.alone import holder
from engine.client.link import Link
from engine.event_log import EventWriter
from engine.messages import JobContext
from engine.run_dir import RunDir
from tests.engine.process.driving import wait_for
from tests.engine.process.other_version import OLDER, OtherVersion
from tests.terminal import Terminal


@pytest.fixture
def link(home: Path) -> Iterator[Link]:
    link = Link(home)
    link.start()
    _awaited(link, m.Welcome)
    yield link
    link.close()


@pytest.fixture
def stopped(home: Path, link: Link) -> Iterator[int]:
    pid = holder(home)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    yield pid
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


def _awaited(link: Link, kind: type[m.Message]) -> m.Message:
    came: list[m.Message] = []

    def look() -> list[m.Message]:
        came.extend(message for message in link.receive() if isinstance(message, kind))
        return came

    return wait_for(look, bool, 30)[0]


def _openlora(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "openlora_tui.cli.main", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_stopped_engine_is_named_with_what_to_do_and_answers_when_it_goes_on(
    home: Path, link: Link, stopped: int
) -> None:
    link.send(m.ListRuns(front=link.front, request="asked of a stopped engine"))
    said = wait_for(lambda: link.trouble, bool, 20)
    assert said == f"The engine is stopped; `kill -CONT {stopped}` lets it go on."
    assert not link.connected
    os.kill(stopped, signal.SIGCONT)
    wait_for(lambda: link.connected, bool, 20)
    assert not link.trouble
    runs = _awaited(link, m.Runs)
    assert isinstance(runs, m.Runs)
    assert runs.request == "asked of a stopped engine"
    assert holder(home) == stopped


def test_a_command_says_what_it_waits_for_and_ctrl_c_ends_it(stopped: int) -> None:
    with _openlora("runs", "pause", "1") as command:
        assert command.stderr is not None
        assert f"`kill -CONT {stopped}`" in command.stderr.readline()
        command.send_signal(signal.SIGINT)
        command.communicate(timeout=20)
        assert command.returncode == 130


def test_runs_are_listed_and_shown_from_their_files(home: Path, stopped: int) -> None:
    directory = RunDir.create(home, "model: m\ndata: d\n", JobContext(python="", cwd="/", umask=0))
    writer = EventWriter(directory.events)
    writer.write(ev.Created(run="1", name="by hand", model="m", data=["d"]))
    writer.write(ev.Finished(run="1", outcome="succeeded", steps=3, loss=0.5, adapter="/a"))
    writer.close()
    for words in (["runs", "list"], ["runs", "show", "by hand"]):
        with _openlora(*words) as command:
            out, told = command.communicate(timeout=30)
        assert command.returncode == 0
        assert "succeeded" in out
        assert f"`kill -CONT {stopped}`" in told


def test_the_engine_s_command_shows_it_and_ends_it_by_force_alone(home: Path, stopped: int) -> None:
    with _openlora("engine") as command:
        out, _ = command.communicate(timeout=30)
    assert command.returncode == 1
    assert f"`kill -CONT {stopped}`" in out
    with _openlora("engine", "stop") as command:
        _, told = command.communicate(timeout=30)
    assert command.returncode == 1
    assert "--force" in told
    with _openlora("engine", "stop", "--force") as command:
        command.communicate(timeout=30)
    assert command.returncode == 0
    wait_for(lambda: holder(home), lambda pid: pid != stopped, 30)


def test_no_second_engine_comes_beside_a_stopped_one_whose_files_are_gone(home: Path, stopped: int) -> None:
    for file in bus.engine_link(home).parent.glob(f"{bus.engine_link(home).stem}*"):
        file.unlink()
    other = subprocess.run(
        [sys.executable, "-m", "engine.server"], capture_output=True, text=True, timeout=60
    )
    assert other.returncode == 1
    assert f"`kill -CONT {stopped}`" in other.stderr
    assert holder(home) == stopped


def test_an_engine_whose_loop_hangs_is_noticed_and_so_is_its_return(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = OtherVersion(tmp_path / "hanging", OLDER)
    keep = "        self._address.keep()\n"
    wait = '        while (self._root / "hang").exists():\n            time.sleep(0.1)\n'
    hanging.edit("engine/server/engine.py", keep, wait + keep)
    monkeypatch.setenv("PYTHONPATH", hanging.python_path)
    link = Link(home)
    link.start()
    welcome = _awaited(link, m.Welcome)
    assert isinstance(welcome, m.Welcome)
    assert welcome.version == OLDER
    (home / "hang").touch()
    said = wait_for(lambda: link.trouble, bool, 30)
    assert said.startswith(f"The engine (process {welcome.pid}) does not answer")
    (home / "hang").unlink()
    wait_for(lambda: link.connected, bool, 30)
    assert holder(home) == welcome.pid
    link.close()


def test_the_app_says_so_and_can_be_left(home: Path) -> None:
    with Terminal([sys.executable, "-m", "openlora_tui.start"]) as app:
        app.until("Welcome to OpenLoRA")
        pid = holder(home)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        app.until(f"`kill -CONT {pid}`")
        app.press("q")
        assert app.until_ended(20) == 0
    os.kill(pid, signal.SIGCONT)
