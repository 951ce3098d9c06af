"""The process that leads the ranks: what it makes of each way in which they can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine import events as ev
from engine.event_log import EventReader
from engine.messages import JobContext
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from tests.engine.process.driving import wait_for

_RANK = """
import os, signal, sys, time
from engine import events as ev
from engine.event_log import EventWriter
from engine.run_dir import RunDir
from engine.worker.rank import leave_with_leader, take_signals
from engine.worker.ranks import keep_end, first_failure
from pathlib import Path
folder, rank = Path(sys.argv[4]), int(sys.argv[8])
directory = RunDir(folder.parent.parent, folder.name)
leave_with_leader()
def speak(*events):
    writer = EventWriter(directory.events)
    for event in events: writer.write(event)
    writer.close()
finished = ev.Finished(run="1", outcome="succeeded", steps=1, loss=None, adapter=None)
def failed():
    return ev.Failed(run="1", steps=0, what=f"Rank {rank} found nothing.", where="", why="", do="")
print("rank", rank, os.environ["WORLD_SIZE"], os.environ["RANK"], flush=True)
"""


@pytest.fixture
def run(home: Path) -> RunDir:
    run = RunDir.create(home, "model: m\ndata: d\n", JobContext(python="", cwd="/", umask=0))
    run.mark_live()
    return run


@pytest.fixture
def led(run: RunDir, tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a leader of two ranks that do what the code says."""

    def lead(code: str, patience: str = "") -> subprocess.Popen[bytes]:
        rank = tmp_path / "rank.py"
        rank.write_text(_RANK + code)
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} {rank} "$@"\n')
        python.chmod(0o755)
        leader = f"""
import sys
from pathlib import Path
from engine import events as ev
from engine.run_dir import RunDir
from engine.worker.nodes import Node
from engine.worker.ranks import lead
{patience}
sys.executable = {str(python)!r}
run = RunDir(Path({str(run.root)!r}), "1")
with run.working():
    sys.exit(lead(run, "cpu:2", ev.Started(pid=1, host="h", device="cpu:2"), Node()))
"""
        return subprocess.Popen([sys.executable, "-c", leader], start_new_session=True)

    return lead


def _state(run: RunDir) -> RunState:
    return fold(EventReader(run.events))


def test_the_runs_status_is_that_of_rank_0_and_each_rank_keeps_its_console(
    run: RunDir, led: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    leader = led("speak(finished) if rank == 0 else keep_end(directory, rank, finished)")
    assert leader.wait(60) == 0, run.events.read_text() + run.console.read_text()
    assert _state(run).status == "succeeded"
    assert run.console.read_text() == "rank 0 2 0\n"
    assert run.console_of(1).read_text() == "rank 1 2 1\n"
    assert not list(run.path.glob("*.end"))


def test_a_rank_that_is_killed_ends_the_others_and_all_begin_again_a_few_times(
    run: RunDir, led: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    leader = led("time.sleep(600) if rank == 0 else os.kill(os.getpid(), signal.SIGKILL)")
    assert leader.wait(60) == 1
    assert run.console_of(1).read_text() == "rank 1 2 1\n" * 4
    state = _state(run)
    assert isinstance(state.outcome, ev.Failed)
    assert state.outcome.what == "Rank 1 was killed by SIGKILL, and 3 times before."
    assert state.outcome.signal == "SIGKILL"
    assert [f.title for f in state.findings][:1] == ["Rank 1 was killed by SIGKILL; all ranks began again"]
    assert not run.live


@pytest.mark.parametrize(
    "zero", ["time.sleep(600)", "time.sleep(0.5); speak(first_failure(directory, failed())); sys.exit(1)"]
)
def test_the_rank_that_failed_first_says_why(
    zero: str,
    run: RunDir,
    led: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    code = f"if rank == 0:\n    {zero}\nkeep_end(directory, rank, failed())\nsys.exit(1)"
    leader = led(code)
    assert leader.wait(60) == 1
    state = _state(run)
    assert isinstance(state.outcome, ev.Failed)
    assert state.outcome.what == "Rank 1 found nothing."


def test_rank_0_has_the_time_that_it_needs_after_the_others_ended_well(
    run: RunDir, led: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """It may be saving on a slow disk, or waiting for room there."""
    leader = led(
        """
if rank == 1:
    keep_end(directory, rank, finished)
    sys.exit(0)
while not (folder / "saved").exists(): time.sleep(0.05)
speak(finished)
""",
        "from engine.worker import ranks; ranks._AFTER_ZERO = ranks._EXPLAINS = 0.2",
    )
    wait_for(lambda: (run.path / "rank-1.end").exists(), bool)
    with pytest.raises(subprocess.TimeoutExpired):
        leader.wait(2)
    (run.path / "saved").touch()
    assert leader.wait(60) == 0
    assert _state(run).status == "succeeded"


def test_a_signal_reaches_rank_0_alone_even_before_it_listens(
    run: RunDir, led: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    leader = led("""
came = []
signal.signal(signal.SIGUSR1, lambda *_: came.append(1))
if rank == 0:
    (folder / "born").touch()
    while not (folder / "sent").exists(): time.sleep(0.05)
    take_signals()
    while not came: time.sleep(0.05)
    speak(ev.Failed(run="1", steps=0, what="Interrupted.", where="", why="", do="", interrupted=True))
    sys.exit(75)
while b"Interrupted" not in directory.events.read_bytes(): time.sleep(0.05)
assert not came
keep_end(directory, rank, finished)
""")
    wait_for(lambda: (run.path / "born").exists(), bool)
    leader.send_signal(signal.SIGUSR1)
    (run.path / "sent").touch()
    assert leader.wait(60) == 75
    assert _state(run).status == "interrupted"


def test_no_rank_outlives_the_process_that_leads_it(
    run: RunDir, led: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    leader = led("(folder / f'born-{rank}').touch(); time.sleep(600)")
    wait_for(lambda: len(list(run.path.glob("born-*"))), lambda born: born == 2)
    ranks = psutil.Process(leader.pid).children(recursive=True)
    assert len(ranks) == 2
    with run.working() as free:
        assert not free
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait(30)
    _gone, alive = psutil.wait_procs(ranks, 30)
    assert not alive
    with run.working() as free:
        assert free
