"""A worker that died without a word: what is said in its stead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from engine import events as ev
from engine import oom_kills, postmortem, xid
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


def _beaten(group: int | None, machine: int | None) -> RunState:
    beat = ev.Heartbeat(cpu=1.0, rss=1 << 20, t=2000.0, kills=(group, machine))
    return fold(some.lines(*some.started(), some.step(7, loss=2.0), beat))


def _now(monkeypatch: pytest.MonkeyPatch, group: int | None, machine: int | None, line: str = "") -> None:
    monkeypatch.setattr(oom_kills, "counted", lambda: oom_kills.Kills(group, machine))
    monkeypatch.setattr(oom_kills, "logged", lambda pid: line)


@pytest.mark.parametrize("code", [-9, None], ids=["waited for", "adopted"])
@pytest.mark.parametrize(
    ("now", "whose"), [((4, 9), "of the control group"), ((3, 10), "of the machine"), ((None, 10), "machine")]
)
def test_a_kill_by_the_kernel_for_memory_is_told_by_its_counts(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, code: int | None, now: tuple[int | None, int], whose: str
) -> None:
    _now(monkeypatch, *now)
    failed = postmortem.failure(run, _beaten(3, 9), code, killed=False)
    finding = failed.findings[-1]
    assert (finding.category, finding.confidence) == ("oom", 0.95)
    assert f"The kernel killed it because the memory {whose}" in failed.why or whose in failed.why
    assert "went from" in failed.why
    assert finding.patch is not None
    assert finding.patch.recipe == {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 8}


def test_the_kernels_own_line_is_quoted(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    _now(monkeypatch, None, None, "Out of memory: Killed process 4242 (python) total-vm:99kB")
    failed = postmortem.failure(run, _beaten(None, None), -9, killed=False)
    assert failed.findings[-1].category == "oom"
    assert "total-vm:99kB" in failed.why


def test_a_kernel_that_killed_nothing_is_evidence_too(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    _now(monkeypatch, 3, 9)
    failed = postmortem.failure(run, _beaten(3, 9), -9, killed=False)
    assert failed.findings[-1].category == "other"
    assert "the kernel itself has killed nothing for memory" in failed.why


def test_counts_and_lines_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    assert oom_kills.counted(tmp_path) == (None, None)
    files = {
        "proc/vmstat": "pgfault 12\noom_kill 5\n",
        "proc/self/cgroup": "0::/batch/job\n",
        "sys/fs/cgroup/batch/job/memory.events": "low 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert oom_kills.counted(tmp_path) == (1, 5)
    log = tmp_path / "kmsg"
    log.write_text(
        "6,1,2,-;eth0: link up\n"
        "3,2,3,-;Memory cgroup out of memory: Killed process 42421 (python) total-vm:1kB\n"
        "3,2,3,-;Memory cgroup out of memory: Killed process 4242 (python) total-vm:2kB\n"
    )
    assert oom_kills.logged(4242, log).endswith("(python) total-vm:2kB")
    assert oom_kills.logged(7, log) == ""
    assert oom_kills.logged(7, tmp_path / "none") == ""


def test_errors_of_a_card_are_read_from_the_kernels_log(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    at = psutil.boot_time()
    log.write_text(
        "4,1,9000000,-;NVRM: Xid (PCI:0000:65:00): 31, pid=11, name=python, Ch 8, MMU Fault\n"
        "4,2,500000000,-;NVRM: Xid (PCI:0000:65:00): 31, pid=4242, name=python, Ch 8, MMU Fault\n"
        "4,3,501000000,-;NVRM: Xid (PCI:0000:65:00): 43, pid=11, name=other\n"
    )
    mine = xid.logged(at + 510.0, 4242, log)
    assert mine is not None
    assert (mine.number, mine.pid, mine.meaning.lasting) == (31, 4242, False)
    assert xid.logged(at + 510.0, 77, log) is None, "errors of other programs are theirs"
    with log.open("a") as file:
        file.write(
            "0,4,502000000,-;NVRM: Xid (PCI:0000:65:00): 79, pid='<unknown>', GPU has fallen off the bus.\n"
        )
    lost = xid.logged(at + 510.0, 77, log)
    assert lost is not None
    assert lost.number == 79
    assert lost.meaning.lasting
    assert xid.logged(at + 9999.0, 4242, log) is None, "what is long past has ended nothing"


def test_a_card_that_fails_is_told_apart_from_a_worker_that_dies(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    _now(monkeypatch, None, None)
    on_card = msgspec.structs.replace(_state(), device="cuda:0")
    line = "NVRM: Xid (PCI:0000:65:00): 79, GPU has fallen off the bus."
    monkeypatch.setattr(xid, "logged", lambda heard, pid: xid.Xid(79, "PCI:0000:65:00", 0, line))
    failed = postmortem.failure(run, on_card, -9, killed=False)
    assert failed.findings[-1].category == "cuda_driver_or_arch"
    assert "Xid 79" in failed.what
    assert line in failed.why
    assert "Reboot" in failed.do
    own = xid.Xid(31, "PCI:0000:65:00", 4242, line)
    monkeypatch.setattr(xid, "logged", lambda heard, pid: own)
    assert postmortem.failure(run, on_card, -9, killed=False).findings[-1].check == "death.crashed"


def test_a_run_that_the_engine_ended_because_it_hung_says_so(run: RunDir) -> None:
    beat = ev.Heartbeat(cpu=0.0, rss=1 << 20, quiet=312.0, t=2000.0)
    state = fold(some.lines(*some.started(), some.step(7, loss=2.0), beat))
    failed = postmortem.failure(run, state, -9, killed=False, hung=True)
    assert "nothing had moved for 312 s" in failed.what
    assert (failed.findings[-1].category, failed.findings[-1].check) == ("hang_or_slow", "death.hung")
    assert not failed.interrupted
