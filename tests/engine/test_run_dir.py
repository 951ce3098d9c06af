"""A run's directory: one number each, one worker at a time, no secret, nothing half deleted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from engine import atomic
from engine import events as ev
from engine import run_dir as module
from engine.event_log import EventReader
from engine.messages import JobContext
from engine.run_dir import RunDir, WorkerRecord, all_runs, live_runs, remember_deleted, sweep_deleted
from engine.run_state import fold

CONTEXT = JobContext(python=sys.executable, cwd="/", umask=0o022)
RECIPE = "model: m\ndata: d\n"


def _child(code: str, *words: str) -> str:
    code = "import sys\nfrom pathlib import Path\nfrom engine.run_dir import RunDir\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_runs_made_at_once_by_threads_and_processes_get_numbers_of_their_own(home: Path) -> None:
    code = """
from engine.messages import JobContext
context = JobContext(python="", cwd="/", umask=0)
print(*(RunDir.create(Path(sys.argv[1]), "r", context).run for _ in range(20)))
"""
    with ThreadPoolExecutor(6) as pool:
        children = [pool.submit(_child, code, str(home)) for _ in range(3)]
        mine = list(pool.map(lambda _: RunDir.create(home, RECIPE, CONTEXT).run, range(40)))
        theirs = [run for child in children for run in child.result().split()]
    assert len(mine + theirs) == len(set(mine + theirs)) == 100
    assert sorted(mine + theirs, key=int) == all_runs(home)


def test_the_number_of_a_deleted_run_is_never_given_again(home: Path) -> None:
    runs = [RunDir.create(home, RECIPE, CONTEXT) for _ in range(3)]
    remember_deleted(home, {"run": runs[2].run})
    runs[2].delete()
    assert RunDir.create(home, RECIPE, CONTEXT).run == "4"
    (home / "deleted.jsonl").write_bytes(b'torn\n5\n{"run":null}\n{"run":"9"}\n{"ru')
    assert RunDir.create(home, RECIPE, CONTEXT).run == "10"


def test_a_run_is_made_whole_with_its_first_events_and_live_or_not_at_all(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(run: RunDir) -> list[ev.Event]:
        return [ev.Created(run=run.run, name="n", model="m", data=[]), ev.Queued(reason="waits")]

    (home / "runs" / "1").mkdir()
    (home / "runs" / "1" / "taken").touch()
    made = RunDir.create(home, RECIPE, CONTEXT, first)
    assert (made.run, made.live) == ("2", True)
    told = fold(EventReader(made.events))
    assert (told.run, told.status, told.events) == ("2", "queued", 2)

    def full(path: Path, data: bytes, mode: int = 0o600) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(atomic, "write", full)
    with pytest.raises(OSError, match="full"):
        RunDir.create(home, RECIPE, CONTEXT, first)
    assert sorted(path.name for path in (home / "runs").iterdir()) == ["1", "2"]
    assert live_runs(home) == ["2"]


def test_what_was_to_become_a_run_and_was_left_is_swept(home: Path) -> None:
    old, young = home / "runs" / ".new-old", home / "runs" / ".new-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    sweep_deleted(home)
    assert not old.exists()
    assert young.exists()
    assert all_runs(home) == []


@pytest.mark.parametrize("name", ["notes", ".new-x", ".deleted-3-7", "²", "1.old", "٣"])
def test_what_is_no_run_is_not_taken_for_one(home: Path, name: str) -> None:
    (home / "runs" / name).mkdir()
    (home / "live").mkdir()
    (home / "live" / name).touch()
    assert all_runs(home) == []
    assert live_runs(home) == []
    assert RunDir.create(home, RECIPE, CONTEXT).run == "1"


SECRETS = {
    "HF_TOKEN": "hf_ThisIsSecretToken1",
    "HUGGING_FACE_HUB_TOKEN": "ThisIsSecret2",
    "OPENLORA_API_KEY": "ThisIsSecret3",
    "OPENLORA_APIKEY": "ThisIsSecret4",
    "HF_PASSWORD": "ThisIsSecret5",
    "https_proxy": "http://me:ThisIsSecret6@proxy:8080",
    "HTTP_PROXY": "http://me:ThisIsSecret7@proxy:8080",
    "HF_ENDPOINT": "https://me:ThisIsSecret8@mirror.example/hub",
    "OPENLORA_PRIVATE_KEY": "ThisIsSecret9",
    "OPENLORA_NOTE": "use hf_ThisIsSecretTokenThatIsLong",
}
PLAIN = {
    "HF_HOME": "/cache",
    "CUDA_VISIBLE_DEVICES": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


def test_no_secret_reaches_the_disk_and_the_rest_is_kept(home: Path) -> None:
    run = RunDir.create(home, RECIPE, msgspec.structs.replace(CONTEXT, env=SECRETS | PLAIN))
    with run.working():
        run.write_worker("cpu")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not [path for path in files if b"ThisIsSecret" in path.read_bytes()]
    assert run.context() == msgspec.structs.replace(CONTEXT, env=PLAIN)


def test_a_runs_files_are_its_owners_alone(home: Path) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    run.write_worker("cpu")
    run.mark_live()
    for path in (run.path, *run.path.iterdir(), home / "live"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_worker_is_alive_only_as_that_very_process_since_this_boot(home: Path) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    assert run.worker() is None
    record = run.write_worker("cpu")
    assert run.worker() == record
    assert record.alive
    recycled = msgspec.structs.replace(record, started=record.started - 1)
    rebooted = msgspec.structs.replace(record, boot="another")
    assert [other.alive for other in (recycled, rebooted)] == [False] * 2
    assert recycled.here
    assert not rebooted.here
    renamed = msgspec.structs.replace(record, host="the machine's name before it was changed")
    assert renamed.alive


def test_a_worker_that_ended_is_not_alive_even_before_it_is_reaped(home: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = module.process_start(child.pid)
    assert started is not None
    record = WorkerRecord(pid=child.pid, started=started, host=module.host_name(), boot=module.boot_id())
    assert record.alive
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not record.alive
    child.wait()
    assert not record.alive
    assert child.stdin is not None
    child.stdin.close()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff"])
def test_a_damaged_record_is_none(home: Path, data: bytes) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    (run.path / "worker.json").write_bytes(data)
    (run.path / "job.json").write_bytes(data)
    assert run.worker() is None
    assert run.context() is None


def test_the_lock_keeps_a_second_process_out_until_the_first_has_gone(home: Path) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    code = """
with RunDir(Path(sys.argv[1]), sys.argv[2]).working() as mine:
    print(mine)
"""
    with run.working() as mine:
        assert mine
        assert _child(code, str(home), run.run) == "False"
        with run.working() as again:
            assert not again
    assert _child(code, str(home), run.run) == "True"


def test_a_deleted_run_leaves_nothing(home: Path) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    (run.checkpoints / "step-1").mkdir(parents=True)
    (run.checkpoints / "step-1" / "weights").write_bytes(b"x")
    run.mark_live()
    run.delete()
    assert list((home / "runs").iterdir()) == []
    assert live_runs(home) == []


def test_a_deletion_cut_short_leaves_no_half_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    run.mark_live()
    monkeypatch.setattr(module.shutil, "rmtree", lambda *_, **__: None)
    run.delete()
    assert all_runs(home) == []
    assert live_runs(home) == []
    assert not run.path.exists()


def test_the_console_tail_is_its_last_lines_however_large_or_odd_it_is(home: Path) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    assert run.console_tail() == []
    run.console.write_bytes(
        b"x" * 100_000 + b"\n\xff\xfe\n\n" + b"".join(b"line %d\n" % n for n in range(30))
    )
    assert run.console_tail(3) == ["line 27", "line 28", "line 29"]
    assert len(run.console_tail()) == 20


def test_a_run_is_resumable_once_a_checkpoint_waits(home: Path) -> None:
    run = RunDir.create(home, RECIPE, CONTEXT)
    assert not run.resumable()
    (run.checkpoints / ".step-9.part").mkdir(parents=True)
    assert not run.resumable()
    (run.checkpoints / "step-9").mkdir()
    assert run.resumable()
