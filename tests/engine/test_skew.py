"""What crosses between versions: states with fields too many and too few, and messages of unknown kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import __version__
from engine import messages as m
from engine.client.skew import difference, not_known, speaks_otherwise, understood
from engine.event_log import EventReader, EventWriter
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from engine.store import Store, tables
from tests.engine import strategies as some

EVENTS = [*some.started(), some.step(1), some.step(2), some.saved(2)]


def _plain(state: RunState) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    return plain


def _snapshot(state: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode({"kind": "Snapshot", "run": "1", "state": state})


def test_a_state_with_fields_of_a_newer_version_loses_only_those() -> None:
    state = fold(some.lines(*EVENTS))
    plain = _plain(state)
    plain["mood"] = {"good": [1, 2]}
    plain["loss"]["median"] = [1.0]
    plain["checkpoint"]["node"] = "n1"
    read = m.to_front(_snapshot(plain))
    assert read == m.Snapshot(run="1", state=state)


@pytest.mark.parametrize("field", RunState.__struct_fields__)
def test_a_state_of_an_older_version_without_a_field_has_its_default(field: str) -> None:
    state = fold(some.lines(*EVENTS))
    plain = _plain(state)
    del plain[field]
    read = m.to_front(_snapshot(plain))
    setattr(state, field, getattr(RunState(), field))
    assert read == m.Snapshot(run="1", state=state)


def test_a_state_that_cannot_be_read_is_folded_from_the_run_as_far_as_the_engine_had_read(home: Path) -> None:
    directory = RunDir.create(home, "model: m\n", m.JobContext(python="", cwd="/", umask=0))
    writer = EventWriter(directory.events)
    for event in EVENTS:
        writer.write(event)
    whole = fold(EventReader(directory.events))
    writer.write(some.step(3))
    writer.close()
    plain = _plain(whole) | {"status": "musing", "events": whole.events, "offset": 77}
    assert m.to_front(_snapshot(plain)) is None
    whole.run, whole.offset = "1", 77
    assert understood(home, _snapshot(plain)) == m.Snapshot(run="1", state=whole)


def test_a_stored_state_of_a_newer_version_is_made_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDir.create(home, "model: m\n", m.JobContext(python="", cwd="/", umask=0))
    writer = EventWriter(directory.events)
    for event in EVENTS:
        writer.write(event)
    writer.close()
    store = Store(home)
    state = store.index("1")
    strange = msgspec.msgpack.encode(_plain(state) | {"status": "musing"})
    tables.State.replace(run="1", state=strange).execute()
    assert store.index("1") == state
    store.close()


@pytest.mark.parametrize("answer", [{"kind": "Granted"}, {"kind": "Accepted", "run": 7}])
def test_an_answer_that_cannot_be_read_is_a_refusal_in_words(home: Path, answer: dict[str, object]) -> None:
    data = msgspec.msgpack.encode({**answer, "request": "r"})
    read = understood(home, data)
    assert isinstance(read, m.Refused)
    assert read.request == "r"
    assert "another version" in read.problem["why"]


@pytest.mark.parametrize("told", [[1], {"kind": 3}, {"kind": "Snapshot", "run": "../x", "state": {}}, 7])
def test_garbage_is_nothing(home: Path, told: object) -> None:
    assert understood(home, msgspec.msgpack.encode(told)) is None
    assert understood(home, b"\xff") is None


def test_what_is_said_of_another_version_names_both_and_what_to_do() -> None:
    same = m.Welcome(pid=1, version=__version__, home="/h")
    assert difference(same) == ""
    assert not speaks_otherwise(same)
    other = m.Welcome(pid=1, version="9.9", home="/h", protocol=m.PROTOCOL + 1)
    for word in ("9.9", __version__, "watched", "saved", "stopped", "openlora engine stop"):
        assert word in difference(other)
    assert speaks_otherwise(other)
    assert "9.9" in not_known("dance", "9.9").why
    assert "`dance`" in not_known("dance", "9.9").what
