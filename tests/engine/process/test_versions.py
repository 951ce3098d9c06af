"""Front end and engine of different versions: what both know works, and the rest is refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import __version__
from engine.client.skew import difference
from engine.problem import Problem
from engine.recipe import changed, read
from openlora_tui.cli.session import Session
from tests.engine.process.driving import Driver, reached
from tests.engine.process.other_version import NEWER, OLDER, OtherVersion


@contextmanager
def _at_engine(home: Path, other: OtherVersion, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A front end of this version at an engine of the other; workers are of this one."""
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", other.python_path)
    with Session(home) as session:
        monkeypatch.setenv("PYTHONPATH", before)
        yield session


def test_an_older_engine_watches_saves_and_stops_and_refuses_what_it_does_not_know(
    home: Path, tmp_path: Path, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = OtherVersion(tmp_path / "older", OLDER)
    older.edit("engine/messages.py", "Asked | Begin | Tell", "Asked | Tell")
    older.edit("engine/messages.py", '"later", ', "")
    with _at_engine(home, older, monkeypatch) as session:
        assert session.welcome.version == OLDER
        assert OLDER in difference(session.welcome)
        driver = Driver(home, session, read(recipe_file))
        run = driver.submit(max_steps=100_000)
        driver.until(run, reached(5))
        with pytest.raises(Problem, match="does not know `later`") as refused:
            session.act(run, "later")
        assert OLDER in refused.value.why
        assert __version__ in refused.value.why
        assert "openlora engine stop" in refused.value.do
        with pytest.raises(Problem, match="does not know `inspect`"), session.begin("inspect", b"{}"):
            pass
        session.act(run, "save")
        saved = driver.until(run, lambda state: state.checkpoint is not None)
        assert session.state(run).step >= saved.step
        session.act(run, "stop")
        stopped = driver.ended(run)
        assert stopped.status == "stopped", stopped.outcome
        assert driver.adapter(run)


def test_a_newer_engine_s_state_is_read_from_the_run_s_own_events(
    home: Path, tmp_path: Path, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = OtherVersion(tmp_path / "newer", NEWER)
    newer.edit("engine/run_state.py", '    "queued",\n', '    "queued",\n    "musing",\n')
    newer.edit("engine/run_state.py", '= "queued", event.reason', '= "musing", event.reason')
    newer.edit("engine/run_state.py", '    name: str = ""\n', '    name: str = ""\n    mood: str = "fair"\n')
    with _at_engine(home, newer, monkeypatch) as session:
        run = session.submit(read(recipe_file), hold=True)
        assert [row.status for row in session.rows()] == ["musing"]
        state = session.state(run)
        assert (state.run, state.status, state.held) == (run, "queued", True)
        session.act(run, "stop")
        assert session.state(run).status == "stopped"


def test_an_older_command_lists_shows_and_stops_at_a_newer_engine(
    home: Path, tmp_path: Path, recipe_file: Path
) -> None:
    older = OtherVersion(tmp_path / "older", OLDER)
    older.edit("engine/messages.py", "Measured | Accepted", "Accepted")
    older.edit("engine/run_state.py", '    revision: str = ""\n', "")
    older.edit("engine/run_state.py", "state.revision, state.base =", "_, state.base =")
    with Session(home) as session:
        run = session.submit(read(recipe_file), hold=True)
        other = session.submit(changed(read(recipe_file), {"lora_r": 8}), hold=True)

        def openlora(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-P", "-m", "openlora_tui.cli.main", *words]
            environment = os.environ | {"PYTHONPATH": older.python_path}
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

        assert openlora("--version").stdout == f"openlora {OLDER}\n"
        listed = json.loads(openlora("runs", "--json").stdout)
        assert [row["run"] for row in listed["runs"]] == [other, run]
        assert json.loads(openlora("runs", "show", run, "--json").stdout)["status"] == "queued"
        assert openlora("runs", "sooner", other).returncode == 0
        assert openlora("runs", "stop", run).returncode == 0
        assert session.state(run).status == "stopped"
        shown = openlora("engine").stdout
        assert f"version {__version__}" in shown
        assert f"this is {OLDER}" in shown


def test_another_protocol_is_said_once_and_both_go_on(home: Path, tmp_path: Path) -> None:
    newer = OtherVersion(tmp_path / "newer", NEWER)
    newer.edit("engine/messages.py", "PROTOCOL: Final = 1", "PROTOCOL: Final = 2")
    with Session(home):
        command = [sys.executable, "-P", "-m", "openlora_tui.cli.main", "runs"]
        environment = os.environ | {"PYTHONPATH": newer.python_path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stderr.count(f"The engine is version {__version__}, this is {NEWER}") == 1
