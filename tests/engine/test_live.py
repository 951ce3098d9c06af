"""Whose worker is whose: after a reboot, under a reused process id or a new host name, on a shared home."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import events as ev
from engine import run_dir as module
from engine.messages import JobContext
from engine.run_dir import RunDir, WorkerRecord
from engine.run_state import RunState
from engine.server import live as live_module
from engine.server.live import LiveRun

CONTEXT = JobContext(python="", cwd="/", umask=0)
WORKER = """
import sys
from pathlib import Path
from engine.run_dir import RunDir
run = RunDir(Path(sys.argv[1]), "1")
with run.working():
    run.write_worker("cpu")
    print("works", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(home: Path) -> RunDir:
    run = RunDir.create(home, "model: m\n", CONTEXT)
    run.mark_live()
    return run


@pytest.fixture
def worker(home: Path, run: RunDir) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the run's lock and has recorded itself."""
    words = [sys.executable, "-c", WORKER, str(home)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"works\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


def _live(run: RunDir) -> LiveRun:
    return LiveRun(run, RunState(run=run.run), CONTEXT)


def _record(run: RunDir, **changes: object) -> WorkerRecord:
    """The run's worker on file, with some of it changed."""
    record = run.worker()
    assert record is not None
    changed = msgspec.structs.replace(record, **changes)
    (run.path / "worker.json").write_bytes(msgspec.json.encode(changed))
    return changed


def test_a_living_worker_is_adopted_with_its_device(run: RunDir, worker: subprocess.Popen[bytes]) -> None:
    live = _live(run)
    assert live.adopt()
    assert (live.device, live.working, live.elsewhere) == ("cpu", True, False)
    worker.kill()
    worker.wait(timeout=30)
    assert not live.working


@pytest.mark.parametrize("changes", [{"boot": "the one before"}, {"started": 1.0}])
def test_a_record_from_before_a_reboot_or_of_a_reused_process_id_is_nobody_s(
    run: RunDir, worker: subprocess.Popen[bytes], changes: dict[str, object]
) -> None:
    _record(run, **changes)
    live = _live(run)
    assert not live.adopt()
    assert not live.working
    live.kill()
    assert worker.poll() is None  # the process that has the number now is left alone


def test_a_worker_is_known_under_the_machine_s_new_name_and_can_be_ended(
    run: RunDir, worker: subprocess.Popen[bytes]
) -> None:
    _record(run, host="the name before")
    live = _live(run)
    assert live.adopt()
    assert not live.elsewhere
    live.kill()
    worker.wait(timeout=30)
    assert not live.working


def test_a_worker_in_another_container_lives_as_long_as_it_holds_its_lock(
    run: RunDir, worker: subprocess.Popen[bytes]
) -> None:
    _record(run, host="container", started=1.0)  # its process ids are not ours
    live = _live(run)
    assert live.adopt()
    assert live.elsewhere
    assert live.working
    live.kill()
    assert worker.poll() is None
    worker.kill()
    worker.wait(timeout=30)
    assert not live.working


def test_another_machine_s_worker_lives_while_it_writes_and_is_given_up_after_long_silence(
    run: RunDir, worker: subprocess.Popen[bytes]
) -> None:
    worker.kill()
    worker.wait(timeout=30)
    _record(run, host="far", boot="of far")
    run.events.write_bytes(ev.encode(ev.Log(text="from far")))
    live = _live(run)
    assert live.adopt()
    assert live.device == "cpu of far"
    os.utime(run.events, (time.time() - 7200, time.time() - 7200))
    late = _live(run)
    assert not late.adopt()
    assert late.device is not None  # so that it is buried, and not begun again here


def test_silence_is_measured_by_a_clock_that_nobody_sets(
    run: RunDir, worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.events.write_bytes(ev.encode(ev.Log(text="once", t=time.time())))
    live = _live(run)
    assert live.adopt()
    live.follow()
    now = time.monotonic()
    for leap in (-86_400.0, 86_400.0):
        monkeypatch.setattr(live_module.time, "time", lambda leap=leap: now + leap)
        assert not live.silent
    monkeypatch.setattr(live_module.time, "monotonic", lambda: now + 60.0)
    assert live.silent


def test_a_boot_has_a_name_of_its_own() -> None:
    assert module.boot_id()
    assert module.boot_id() == module.boot_id()
