"""Every event survives its line of JSON; what is not an event is nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from tests.engine import strategies as some


@given(some.EVENT)
def test_every_event_survives_its_line(event: ev.Event) -> None:
    line = ev.encode(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert ev.decode(line) == event
    assert json.loads(line)["event"] == type(event).__name__.lower()


@given(some.EVENT, st.data())
def test_a_torn_line_is_no_event(event: ev.Event, data: st.DataObject) -> None:
    line = ev.encode(event).rstrip(b"\n")
    assert ev.decode(line[: data.draw(st.integers(0, len(line) - 1))]) is None


@given(some.EVENT, st.dictionaries(some.TEXT, st.none() | some.TEXT | some.NUMBER, max_size=3))
def test_keys_of_a_newer_version_are_ignored(event: ev.Event, more: dict[str, object]) -> None:
    written = json.loads(ev.encode(event))
    assert (
        ev.decode(json.dumps({**more, **written}).encode())
        == ev.decode(json.dumps(written).encode())
        == event
    )


@given(st.binary() | st.recursive(some.TEXT | some.NUMBER, st.lists).map(lambda v: json.dumps(v).encode()))
def test_no_bytes_make_the_reader_raise(line: bytes) -> None:
    assert ev.decode(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"teleported","t":1.0}',
        b'{"t":1.0}',
        b'{"event":"log"}',
        b'{"event":"log","text":5}',
        b'{"event":"log","text":"\xff"}',
        b'{"event":"log","text":"\\ud800"}',
        b'{"event":"log","text":"a"}{',
        b'{"loss": 2.5, "epoch": 0.1, "step": 3}',
        b"[" * 100_000,
    ],
)
def test_foreign_lines_and_unknown_kinds_are_no_events(line: bytes) -> None:
    assert ev.decode(line) is None


def _as_line(change: Callable[[dict[str, object]], object]) -> bytes:
    fields = json.loads(ev.encode(some.step(3)))
    change(fields)
    return json.dumps(fields).encode()


@pytest.mark.parametrize("name", ["step", "tokens", "label_tokens", "t"])
@pytest.mark.parametrize("value", [-1, 10**30])
def test_counts_that_no_worker_can_have_counted_are_foreign(name: str, value: int) -> None:
    assert ev.decode(_as_line(lambda fields: fields.update({name: 7}))) is not None
    assert ev.decode(_as_line(lambda fields: fields.update({name: value}))) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_stored_as_null(value: float) -> None:
    line = ev.encode(some.step(1, loss=value, grad_norm=value))
    assert json.loads(line)["loss"] is None
    back = ev.decode(line)
    assert isinstance(back, ev.Step)
    assert back.loss is None
    assert back.grad_norm is None


def test_a_file_name_that_is_not_utf8_does_not_stop_the_report() -> None:
    event = ev.Created(run="1", name="a\udcff", model="m", data=["b\udc80.txt"], t=5.0)
    back = ev.decode(ev.encode(event))
    assert back == msgspec.structs.replace(event, name="a?", data=["b?.txt"])


def test_the_first_line_of_a_run_carries_the_version() -> None:
    assert json.loads(ev.encode(next(some.started())))["version"] == ev.VERSION


def test_a_plan_says_how_steps_are_computed() -> None:
    from engine.events import Planned

    def plan(**said: str) -> Planned:
        return Planned(steps=1, epochs=1, rows=1, eval_rows=0, tokens=1, label_tokens=1, trainable=1,
                       parameters=1, batch_rows=1, **said)  # fmt: skip

    assert plan().computed == "in fp32"
    whole = plan(precision="bf16", base="nf4, double", attention="sdpa", optimizer="adamw_8bit")
    assert whole.computed == "in bf16; base in nf4, double; attention by sdpa; adamw_8bit"
    assert whole.how["base"] == "nf4, double"
