"""Every message survives the wire; what is no message is nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import messages as m
from engine import remarks as rm
from engine.lessons.lesson import Lesson, ModelPrint
from engine.run_state import fold
from tests.engine import strategies as some

CONTEXT = m.JobContext(python="/usr/bin/python", cwd="/", umask=0o22, env={"HF_TOKEN": "x"})
GPU = m.Gpu(index=0, name="H200", uuid="GPU-1", used=1, total=2, utilisation=0.5)
MACHINE = m.Machine(cpu=0.5, cores=2, ram_used=1, ram_total=2, disk_free=3, gpus=[GPU])
ROW = m.RunRow(run="1", name="n", status="failed", model="m", data=["d"], created=1.0, updated=2.0, loss=None)
LESSON = Lesson(run="1", model=ModelPrint(name="m"), recipe={"lora_r": 8}, loss=1.5)

TO_ENGINE: list[m.Message] = [
    m.Hello(front="f", pid=1, version="0.1", app=True, context=CONTEXT),
    m.Bye(front="f"),
    m.Watch(front="f", run="1"),
    m.Unwatch(front="f", run="1"),
    m.ListRuns(front="f", request="r", limit=3),
    m.ListLessons(front="f", request="r", skip=250),
    m.Learn(front="f", request="r", lessons=[LESSON]),
    m.Forget(front="f", request="r", runs=["3", "laptop:4"]),
    m.Submit(front="f", request="r", name="n", recipe="model: m\n", context=CONTEXT),
    m.Act(front="f", request="r", run="1", verb="pause", context=None),
    m.Act(front="f", request="r", run="1", verb="remark", remark=rm.Said(text="here", step=3)),
    m.Begin(front="f", request="r", job="chat", spec=b"{}", context=CONTEXT),
    m.Tell(front="f", side="side-1-1", body=b"{}"),
    m.End(front="f", side="side-1-1"),
    m.Leave(front="f"),
    m.Said(side="side-1-1", body=b"{}"),
    m.Ended(side="side-1-1", problem={"what": "No."}, exit_status=2),
]
TO_FRONT: list[m.Message] = [
    m.Welcome(pid=1, version="0.1", home="/h", notes=["no WAL"]),
    m.Runs(rows=[ROW], gone=["2"], whole=True, total=7, request="r"),
    m.Lessons(lessons=[LESSON], request="r"),
    m.Snapshot(run="1", state=fold(some.lines(*some.started(), some.step(1), some.saved(1)))),
    m.Happened(run="1", number=4, lines=[b"{}", b"\xff\x00"]),
    m.Measured(machine=MACHINE),
    m.Noted(notes=["The disk has room again."]),
    m.Accepted(request="r", run="1", note="queued"),
    m.Refused(request="r", problem={"what": "No."}, exit_status=1),
    m.Said(side="side-1-1", body=b"{}"),
    m.Ended(side="side-1-1"),
]
TO_WORKER: list[m.Message] = [
    m.Order(verb="stop", by="front-1"),
    m.Order(verb="remark", remark=rm.Dismissed(found="curve.spike", scope="model", reason="known")),
    m.Assign(folder="/runs/1", context=CONTEXT, device="cuda:0"),
    m.Serve(side="s", job="chat", spec=b"{}", context=CONTEXT, device="cpu", console="/c.log"),
    m.Tell(front="f", side="side-1-1", body=b"{}"),
    m.End(front="f", side="side-1-1"),
]
DOORS = [(m.to_engine, TO_ENGINE, m.ToEngine), (m.to_front, TO_FRONT, m.ToFront),
         (m.to_worker, TO_WORKER, m.ToWorker)]  # fmt: skip
EACH = [(door, message) for door, messages, _ in DOORS for message in messages]
IDS = [type(message).__name__ for _, message in EACH]


@pytest.mark.parametrize(("door", "message"), EACH, ids=IDS)
def test_every_message_survives_the_wire(door: object, message: m.Message) -> None:
    assert callable(door)
    assert door(m.encode(message)) == message


@pytest.mark.parametrize(("door", "message"), EACH, ids=IDS)
def test_fields_of_a_newer_version_are_ignored(door: object, message: m.Message) -> None:
    assert callable(door)
    fields = msgspec.msgpack.decode(m.encode(message))
    assert door(msgspec.msgpack.encode(fields | {"colour": "red", "nested": {"a": [1]}})) == message


def test_every_kind_of_message_is_tried_here() -> None:
    for _, messages, kinds in DOORS:
        assert {type(message) for message in messages} == set(kinds.__args__)


def test_a_message_for_another_door_is_none() -> None:
    assert m.to_front(m.encode(TO_ENGINE[0])) is None
    assert m.to_worker(m.encode(TO_FRONT[0])) is None
    assert m.to_engine(m.encode(TO_WORKER[0])) is None


GARBAGE = [
    b"",
    b"\xff",
    b"\x82\xa4kind\xa3Bye\xa5front\xa1\xff",
    b"\x91" * 100_000,
    msgspec.msgpack.encode({"kind": "Teleport", "front": "f"}),
    msgspec.msgpack.encode({"front": "f"}),
    msgspec.msgpack.encode({"kind": "Bye"}),
    msgspec.msgpack.encode({"kind": "Act", "front": "f", "request": "r", "run": "1", "verb": "explode"}),
    msgspec.msgpack.encode(["Bye", "f"]),
]


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_and_unknown_kinds_are_none(data: bytes) -> None:
    assert [door(data) for door, _, _ in DOORS] == [None, None, None]


@given(st.binary(max_size=60), st.sampled_from(EACH), st.data())
def test_no_bytes_make_a_door_raise(
    noise: bytes, each: tuple[object, m.Message], data: st.DataObject
) -> None:
    whole = m.encode(each[1])
    at = data.draw(st.integers(0, len(whole)))
    for door, _, _ in DOORS:
        assert door(noise) is None or len(noise) > 2
        door(whole[:at] + noise + whole[at + len(noise) :])  # must not raise, whatever it makes of it


def test_the_first_message_carries_the_version() -> None:
    for message in (TO_ENGINE[0], TO_FRONT[0]):
        assert msgspec.msgpack.decode(m.encode(message))["protocol"] == m.PROTOCOL
