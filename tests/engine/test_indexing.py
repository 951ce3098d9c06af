"""The index is brought up to date in slices: between two of them the engine has time for others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import events as ev
from engine.event_log import EventReader
from engine.messages import JobContext
from engine.run_dir import RunDir
from engine.run_state import fold
from engine.server.indexing import Indexing
from engine.store import Store
from tests.engine import strategies as some

MANY = 20_000


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = Store(home)
    yield store
    store.close()


def _run(home: Path, steps: int) -> RunDir:
    run = RunDir.create(home, "model: m\n", JobContext(python="", cwd="/", umask=0))
    lines = [ev.encode(event) for event in (*some.started(), *(some.step(n) for n in range(1, steps + 1)))]
    run.events.write_bytes(b"".join(lines))
    return run


def _worked(indexing: Indexing) -> list[str]:
    done: list[str] = []
    for _ in range(10_000):
        done += indexing.work(())
        if not indexing.busy:
            return done
    raise AssertionError("it never ended")


def test_a_long_run_is_read_in_slices_and_ends_as_its_fold(home: Path, store: Store) -> None:
    run = _run(home, MANY)
    slices = sum(1 for _ in store.indexing(run.run))
    assert slices > run.events.stat().st_size / (1 << 18)
    state = fold(EventReader(run.events))
    state.run, state.offset = run.run, run.events.stat().st_size
    assert store.state(run.run) == state
    assert store.behind(run.run) == 0


def test_all_runs_are_indexed_the_newest_first_and_none_that_is_followed_elsewhere(
    home: Path, store: Store
) -> None:
    for _ in range(4):
        _run(home, 10)
    indexing = Indexing(home, store)
    indexing.look()
    assert indexing.busy
    done: list[str] = []
    while indexing.busy:
        done += indexing.work({"2"})
    assert done == ["4", "3", "1"]
    assert store.row("2") is None


def test_a_run_that_is_asked_for_comes_before_the_others(home: Path, store: Store) -> None:
    asked = _run(home, MANY)
    for _ in range(3):
        _run(home, MANY // 2)
    indexing = Indexing(home, store)
    indexing.look()
    assert not indexing.ready(asked.run)
    assert _worked(indexing)[0] == asked.run
    assert indexing.ready(asked.run)


def test_a_run_of_which_little_is_missing_is_ready_and_one_that_cannot_be_read_does_not_stop_the_rest(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, broken = _run(home, 10), _run(home, MANY)
    indexing = Indexing(home, store)
    assert indexing.ready(short.run)
    assert indexing.ready("99")
    whole = store.indexing

    def failing(run: str) -> Iterator[object]:
        if run == broken.run:
            raise OSError("the disk is ill")
        yield from whole(run)

    monkeypatch.setattr(store, "indexing", failing)
    indexing.look()
    assert _worked(indexing) == [broken.run, short.run]
    assert indexing.ready(broken.run)
    assert store.row(short.run) is not None


def test_a_run_that_comes_later_is_found(home: Path, store: Store) -> None:
    indexing = Indexing(home, store)
    indexing.look()
    assert _worked(indexing) == []
    run = _run(home, 3)
    indexing.look()
    assert _worked(indexing) == [run.run]
