"""The engine and the runs, looked at without waiting for what does not answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus, paths
from engine.client import skew
from engine.client.start import attach
from engine.doctor import runs, storage
from engine.messages import JobContext
from engine.run_dir import RunDir


@pytest.fixture
def engine(home: Path) -> Iterator[int]:
    """A real engine of this test's own."""
    attach(home)
    pid = bus.engine_pid(home)
    assert pid is not None
    yield pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_no_engine_is_as_it_should_be(home: Path) -> None:
    assert runs.engine_check(home).state == "good"


def test_an_engine_tells_its_version(home: Path, engine: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check = runs.engine_check(home)
    assert (check.state, f"process {engine}" in check.found) == ("good", True)
    monkeypatch.setattr(skew, "__version__", "99.0")
    monkeypatch.setattr(runs, "__version__", "99.0")
    older = runs.engine_check(home)
    assert (older.state, "this is 99.0" in older.found) == ("note", True)
    assert "openlora engine stop" in older.do


def test_a_stopped_engine_is_named_and_not_waited_for(
    home: Path, engine: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_greet", lambda root: pytest.fail("it was waited for"))
    os.kill(engine, signal.SIGSTOP)
    os.waitid(os.P_PID, engine, os.WSTOPPED | os.WNOWAIT)
    check = runs.engine_check(home)
    assert (check.state, f"kill -CONT {engine}" in check.found) == ("warning", True)


def test_an_address_that_an_engine_left_behind_is_no_engine(home: Path, engine: int) -> None:
    os.kill(engine, signal.SIGKILL)
    os.waitpid(engine, 0)
    assert bus.engine_pid(home) == engine
    assert runs.engine_check(home).state == "good"


def live(home: Path) -> RunDir:
    run = RunDir.create(home, "model: m\ndata: d\n", JobContext(python="", cwd="", umask=0, env={}))
    run.mark_live()
    return run


def test_live_runs_that_wait_work_are_stopped_or_have_lost_their_worker(home: Path) -> None:
    assert [check.found for check in runs.live_checks(home)] == ["no run is live"]
    waiting = live(home)
    script = (
        "import sys, time; from pathlib import Path; from engine.run_dir import RunDir; "
        "RunDir(Path(sys.argv[1]), sys.argv[2]).write_worker('cpu'); "
        "print('written', flush=True); time.sleep(60)"
    )
    worker = live(home)
    command = [sys.executable, "-c", script, str(home), worker.run]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (found,) = runs.live_checks(home)
        assert found.found == f"1 working: {worker.run}; 1 waiting: {waiting.run}"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        _, stopped = runs.live_checks(home)
        assert (stopped.state, str(process.pid) in stopped.found) == ("warning", True)
        process.kill()
        process.wait()
    _, gone = runs.live_checks(home)
    assert (gone.name, gone.state, worker.run in gone.found) == ("stale", "note", True)


def test_a_damaged_index_is_found_and_left_as_it_is(home: Path) -> None:
    from engine.store import Store

    Store(home).close()
    (index,) = storage._index(home)
    assert (index.state, "is whole" in index.found) == ("good", True)
    path = home / "store.sqlite"
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 9000)
    before = path.read_bytes()
    (index,) = storage._index(home)
    assert (index.state, "rebuilt" in index.do) == ("warning", True)
    assert path.read_bytes() == before


def test_a_log_that_has_grown_large_may_be_deleted(home: Path) -> None:
    assert str(home) in runs.log_check(home).found
    with (home / "engine.log").open("wb") as file:
        file.truncate(200 << 20)
    assert runs.log_check(home).state == "note"


def test_the_engine_listens_on_no_port(home: Path, engine: int) -> None:
    assert runs._ports(home).state == "good"
    assert paths.engine_link(home).is_symlink()
