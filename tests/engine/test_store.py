"""The store is an index: it equals its rebuild, mends itself, and never reads a run twice."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import events as ev
from engine import paths
from engine.event_log import EventReader, EventWriter
from engine.findings import Finding
from engine.messages import JobContext
from engine.run_dir import RunDir, remember_deleted
from engine.run_state import RunState
from engine.store import Store, tables
from engine.store import store as module
from tests.engine import strategies as some

FILE = "store.sqlite"
FULL = Finding(category="oom", severity="blocker", title="Memory ran out", step=3, evidence=["12 of 12 GiB"])


@contextmanager
def _opened(home: Path) -> Iterator[Store]:
    store = Store(home)
    try:
        yield store
    finally:
        store.close()


def _append(run: RunDir, *events: ev.Event) -> None:
    writer = EventWriter(run.events)
    for event in events:
        writer.write(event)
    writer.close()


def _run(home: Path, *events: ev.Event, parent: str | None = None) -> RunDir:
    run = RunDir.create(home, "model: m\ndata: d\n", JobContext(python="", cwd="/", umask=0))
    created = ev.Created(run=run.run, name=f"run {run.run}", model="m", data=["d"], parent=parent, t=900.0)
    _append(run, created, *events)
    return run


def _story(home: Path) -> None:
    """Three runs: one ended well, one that failed with a finding, one that is new."""
    adapter = ev.Finished(run="1", outcome="succeeded", steps=9, loss=1.0, adapter="/a", t=2000.0)
    _run(home, *(some.step(n) for n in range(1, 10)), some.saved(5), adapter)
    _run(
        home, some.step(3), ev.Found(finding=FULL), ev.Failed(run="2", steps=3, what="It broke."), parent="1"
    )
    _run(home)


def _rebuild(store: Store) -> list[str]:
    missing = list(store.stale())
    for run in missing:
        store.index(run)
    return missing


def _dump(home: Path) -> list[str]:
    with sqlite3.connect(home / FILE) as database:
        lines = sorted(re.sub(r"(\"finding\" VALUES\()\d+", r"\1", line) for line in database.iterdump())
    database.close()
    return lines


def test_the_index_equals_its_rebuild_from_the_directories(home: Path) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
    _append(RunDir(home, "3"), some.step(1), ev.Found(finding=FULL))
    _run(home, some.step(1), parent="2")
    with _opened(home) as store:
        for run in "34":
            store.index(run)
        remember_deleted(home, {"run": "4", "loss": 1.0})
        RunDir(home, "4").delete()
        store.forget("4")
    grown = _dump(home)
    (home / FILE).unlink()
    with _opened(home) as store:
        assert _rebuild(store) == ["3", "2", "1"]
        assert store.count() == 3
    assert _dump(home) == grown


def test_rows_come_newest_first_and_no_more_than_asked_for(home: Path) -> None:
    for _ in range(11):
        _run(home)
    with _opened(home) as store:
        _rebuild(store)
        assert [row.run for row in store.rows(100)] == [str(n) for n in range(11, 0, -1)]
        assert [row.run for row in store.rows(2)] == ["11", "10"]
        assert store.count() == 11
        assert store.row("7") is not None
        assert store.row("12") is None


def test_a_row_tells_how_the_run_ended(home: Path) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
        good, bad = store.row("1"), store.row("2")
    assert good is not None
    assert (good.status, good.step, good.loss, good.adapter) == ("succeeded", 9, 1.0, "/a")
    assert bad is not None
    assert (bad.status, bad.reason, bad.findings) == ("failed", "It broke.", 1)


def test_what_a_run_took_in_memory_is_a_column_beside_what_was_predicted(home: Path) -> None:
    _run(home, ev.Predicted(bytes=900), ev.Measured(phase="training", bytes=700))
    with _opened(home) as store:
        _rebuild(store)
        [found] = tables.Run.select().where(tables.Run.predicted_memory > 0)
        assert (found.predicted_memory, found.peak_memory) == (900, 700)
        row = store.row("1")
        assert row is not None
        assert (row.predicted_memory, row.peak_memory) == (900, 700)


def test_a_file_of_another_version_is_rebuilt_and_says_so(home: Path) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
    with sqlite3.connect(home / FILE) as database:
        database.execute("drop table run")
        database.execute("create table run (nonsense)")
        database.execute(f"pragma user_version = {tables.SCHEMA + 1}")
    database.close()
    with _opened(home) as store:
        assert any("another version" in note for note in store.notes)
        assert _rebuild(store) == ["3", "2", "1"]
        assert store.count() == 3
    with _opened(home) as store:
        assert store.notes == []
        assert list(store.stale()) == []


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def _torn_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:12288] = b"\xff" * 8192
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [_garbage, _torn_page, _cut])
def test_a_damaged_file_is_set_aside_and_rebuilt_with_a_note(home: Path, damage: object) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
    assert callable(damage)
    damage(home / FILE)
    bad = (home / FILE).read_bytes()
    with _opened(home) as store:
        assert any("damaged" in note for note in store.notes)
        assert _rebuild(store) == ["3", "2", "1"]
    assert (home / "store.damaged").read_bytes() == bad


def test_on_a_local_disk_the_index_uses_wal_and_is_private(home: Path) -> None:
    with _opened(home) as store:
        assert store.notes == []
        assert tables.database.pragma("journal_mode") == "wal"
        assert tables.database.pragma("foreign_keys") == 1
    assert (home / FILE).stat().st_mode & 0o077 == 0


def test_on_a_network_file_system_the_index_does_without_wal_and_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
    monkeypatch.setattr(paths, "on_network", lambda _: True)
    monkeypatch.setattr(paths, "file_system", lambda _: "nfs4")
    with _opened(home) as store:
        assert any("nfs4" in note and "WAL" in note for note in store.notes)
        assert tables.database.pragma("journal_mode") == "delete"
        assert store.count() == 3
    assert not (home / f"{FILE}-wal").exists()


@pytest.mark.parametrize(
    ("mount", "kind", "network"),
    [
        ("/data", "nfs4", True),
        ("/data", "ext4", False),
        ("/data", "fuse.sshfs", True),
        ("/dat", "nfs", False),
    ],
)
def test_the_nearest_mount_decides_what_file_system_it_is(
    monkeypatch: pytest.MonkeyPatch, mount: str, kind: str, network: bool
) -> None:
    class Part:
        def __init__(self, mountpoint: str, fstype: str) -> None:
            self.mountpoint, self.fstype = mountpoint, fstype

    parts = [Part(mount, kind), Part("/", "overlay")]
    monkeypatch.setattr(paths.psutil, "disk_partitions", lambda all: parts)
    assert paths.on_network(Path("/data/home")) is network


class _Counting(EventReader):
    lines = 0

    def read(self, limit: int = 1 << 20) -> list[bytes]:
        found = super().read(limit)
        type(self).lines += len(found)
        return found


def test_indexing_costs_only_the_new_lines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(home, *(some.step(n) for n in range(1, 2000)))
    with _opened(home) as store:
        store.index(run.run)
    monkeypatch.setattr(module, "EventReader", _Counting)
    _append(run, some.step(2000), some.step(2001))
    with _opened(home) as store:
        assert store.index(run.run).step == 2001
        assert _Counting.lines == 2
        assert store.index(run.run).step == 2001
    assert _Counting.lines == 2


def test_showing_a_long_run_reads_no_raw_steps(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(home, *(some.step(n) for n in range(1, 2000)))
    with _opened(home) as store:
        known = store.index(run.run)
    run.events.unlink()
    monkeypatch.setattr(module, "fold", None)
    with _opened(home) as store:
        assert store.state(run.run) == known
        assert [row.step for row in store.rows(5)] == [1999]
        assert store.state("77") is None


def test_a_run_whose_first_line_names_another_is_indexed_as_itself(home: Path) -> None:
    _story(home)
    copy = _run(home)
    copy.events.write_bytes(RunDir(home, "1").events.read_bytes())
    with _opened(home) as store:
        _rebuild(store)
        assert {row.run for row in store.rows(9)} == {"1", "2", "3", "4"}
    copy.events.write_bytes(ev.encode(ev.Created(run="../x", name="n", model="m", data=[])))
    (home / FILE).unlink()
    with _opened(home) as store:
        assert store.index("4").run == "4"


def test_a_deleted_run_leaves_its_lesson_and_nothing_else(home: Path) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
        for table in (tables.State, tables.Finding, tables.Artifact):
            assert table.select().count() > 0
        for run in "123":
            remember_deleted(home, {"run": run, "loss": 2.0})
            RunDir(home, run).delete()
        assert list(store.stale()) == []
        assert store.rows(9) == []
        for table in (tables.State, tables.Finding, tables.Artifact, tables.Lineage):
            assert table.select().count() == 0, table
        assert {lesson.run for lesson in tables.Lesson.select()} == {"1", "2", "3"}


def test_findings_and_artifacts_follow_the_run(home: Path) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
        found = tables.Finding.get(tables.Finding.run == "2")
        assert (found.category, found.severity, found.step) == ("oom", "blocker", 3)
        kinds = {a.kind: a.path for a in tables.Artifact.select().where(tables.Artifact.run == "1")}
        assert kinds == {"checkpoint": "step-5", "adapter": "/a"}
        assert tables.Lineage.get(tables.Lineage.child == "2").parent == "1"


def test_a_state_that_cannot_be_read_is_folded_anew(home: Path) -> None:
    _story(home)
    with _opened(home) as store:
        _rebuild(store)
        tables.State.update(state=b"\xff").where(tables.State.run == "1").execute()
        assert store.state("1") is None
        state = store.index("1")
        assert isinstance(state, RunState)
        assert (state.step, state.status) == (9, "succeeded")
