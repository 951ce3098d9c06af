"""A worker that died without a word: what is said in its stead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine import events as ev
from engine import postmortem
from engine.findings import Finding
from engine.messages import JobContext
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from tests.engine import strategies as some

NOTE = Finding(category="truncation", severity="note", title="Three rows were cut")


@pytest.fixture
def run(home: Path) -> RunDir:
    made = RunDir.create(home, "model: m\ndata: d\n", JobContext(python="", cwd="/", umask=0))
    made.console.write_text("loading\nTraceback: boom\n")
    return made


def _state(rss: int = 1 << 20) -> RunState:
    beat = ev.Heartbeat(cpu=1.0, rss=rss, t=2000.0)
    return fold(some.lines(*some.started(), some.step(7, loss=2.0), ev.Found(finding=NOTE), beat))


def test_an_exit_code_is_told_with_the_console_and_what_was_found(run: RunDir) -> None:
    failed = postmortem.failure(run, _state(), 3, killed=False)
    assert (failed.exit_code, failed.signal, failed.interrupted) == (3, None, False)
    assert "status 3" in failed.what
    assert "step 7" in failed.why
    assert (failed.steps, failed.loss, failed.where) == (7, 2.0, "training")
    assert failed.console == ["loading", "Traceback: boom"]
    assert failed.log == str(run.console)
    assert failed.findings[0] == NOTE
    assert failed.findings[1].severity == "blocker"
    assert "Traceback: boom" in failed.findings[1].evidence


def test_an_adopted_worker_has_neither_code_nor_signal(run: RunDir) -> None:
    failed = postmortem.failure(run, _state(), None, killed=False)
    assert (failed.exit_code, failed.signal) == (None, None)
    assert "gone" in failed.what


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_crash_in_native_code_is_called_one(run: RunDir, number: str) -> None:
    code = f"import os, signal; os.kill(os.getpid(), signal.{number})"
    status = subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode
    failed = postmortem.failure(run, _state(), status, killed=False)
    assert (failed.exit_code, failed.signal) == (None, number)
    assert number in failed.what
    assert "crashed" in failed.why


def test_sigkill_with_memory_full_is_taken_for_out_of_memory(run: RunDir) -> None:
    total = psutil.virtual_memory().total
    full = postmortem.failure(run, _state(rss=int(total * 0.9)), -9, killed=False)
    assert full.signal == "SIGKILL"
    assert full.findings[-1].category == "oom"
    assert "GiB" in full.why
    roomy = postmortem.failure(run, _state(rss=total // 10), -9, killed=False)
    assert roomy.findings[-1].category == "other"
    unheard = postmortem.failure(run, RunState(), -9, killed=False)
    assert unheard.findings[-1].category == "other"


def test_a_kill_that_was_asked_for_is_no_finding(run: RunDir) -> None:
    failed = postmortem.failure(run, _state(), -9, killed=True)
    assert failed.interrupted
    assert failed.findings == [NOTE]
    assert failed.why == ""


def test_it_says_whether_a_checkpoint_waits(run: RunDir) -> None:
    before = postmortem.failure(run, _state(), 1, killed=False)
    (run.checkpoints / "step-5").mkdir(parents=True)
    after = postmortem.failure(run, _state(), 1, killed=False)
    assert not before.resumable
    assert "no checkpoint" in before.do
    assert after.resumable
    assert "runs resume 1" in after.do


@pytest.mark.parametrize(
    ("code", "name"),
    [(None, None), (0, None), (1, None), (-9, "SIGKILL"), (-15, "SIGTERM"), (-99, "signal 99")],
)
def test_a_signal_has_its_name(code: int | None, name: str | None) -> None:
    assert postmortem.signal_name(code) == name


def test_what_is_said_survives_the_file(run: RunDir) -> None:
    failed = postmortem.failure(run, _state(), -9, killed=False)
    assert ev.decode(ev.encode(failed)) == failed
