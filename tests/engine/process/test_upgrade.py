"""An upgrade under a live run: engine and worker go on without their files, and the next engine adopts."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import __version__
from engine import events as ev
from engine.alone import holder
from engine.event_log import EventReader
from engine.recipe import read
from engine.run_dir import RunDir
from openlora_tui.cli.session import Session
from tests.engine.process.driving import Driver, reached, wait_for
from tests.engine.process.other_version import OLDER, OtherVersion


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherVersion:
    version = OtherVersion(tmp_path / "older", OLDER)
    monkeypatch.setenv("PYTHONPATH", version.python_path)
    return version


@pytest.fixture
def before(home: Path, older: OtherVersion, recipe_file: Path) -> Iterator[Driver]:
    """A front end of this version at an engine of the older one, which starts workers of its own version."""
    with Session(home) as session:
        assert session.welcome.version == OLDER
        yield Driver(home, session, read(recipe_file))


def test_a_run_ends_as_if_nothing_had_been_replaced(
    before: Driver, older: OtherVersion, unbroken: bytes
) -> None:
    run = before.submit()
    before.until(run, reached(10))
    older.remove()
    ended = before.ended(run)
    assert ended.status == "succeeded", ended.outcome
    assert before.adapter(run) == unbroken
    assert ended.checkpoint is not None
    assert ended.checkpoint.step > 10
    assert _version(before, run) == OLDER
    assert wait_for(before.session.rows, lambda rows: rows[0].status == "succeeded")


def test_the_next_engine_is_of_the_new_version_and_adopts_the_worker_of_the_old(
    before: Driver, older: OtherVersion, unbroken: bytes
) -> None:
    run = before.submit()
    before.until(run, reached(10))
    older.remove()
    first = holder(before.root)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: holder(before.root), lambda pid: pid not in (None, first), 60)
    assert before.session.state(run).pid == before.state(run).pid
    assert before.session.welcome.version == __version__
    ended = before.ended(run)
    assert ended.status == "succeeded", ended.outcome
    assert before.adapter(run) == unbroken
    stored = wait_for(lambda: before.session.state(run), lambda state: state.outcome is not None)
    assert stored.loss == ended.loss


def _version(driver: Driver, run: str) -> str:
    events = map(ev.decode, EventReader(RunDir(driver.root, run).events))
    return next(event.versions["openlora"] for event in events if isinstance(event, ev.Started))
