"""The words of OPENLORA_FAULT, and where a disk that is to be full refuses."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine import faults
from engine.event_log import EventReader, EventWriter
from engine.problem import Problem


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    faults.arm([], lambda event: None)


def asked(words: str) -> list[faults.Fault]:
    return faults.asked({faults.VARIABLE: words})


def test_a_place_is_a_step_a_row_or_a_phase() -> None:
    found = asked("kill@40, nan@row:17,oom@phase:loading-model,hang@saving")
    assert [(fault.kind, fault.unit, fault.at) for fault in found] == [
        ("kill", "step", "40"),
        ("nan", "row", "17"),
        ("oom", "phase", "loading model"),
        ("hang", "phase", "saving"),
    ]


def test_one_place_written_in_two_ways_is_one_fault() -> None:
    assert len(asked("kill@step:40,kill@040,,kill@40")) == 1


PLACES = st.one_of(st.integers(0, 10**12), st.sampled_from(faults.PHASES))


@given(st.sampled_from(sorted(faults.KINDS)), PLACES)
def test_the_word_of_a_fault_asks_for_it_again(kind: str, place: int | str) -> None:
    [fault] = asked(f"{kind}@{place}")
    assert asked(fault.word) == [fault]


def test_nothing_is_asked_for_by_no_words() -> None:
    assert faults.asked({}) == asked("") == asked(" , ") == []


@given(st.text(max_size=30) | st.text("killnanom@:1,- ", max_size=30))
def test_any_text_is_faults_or_one_problem(text: str) -> None:
    with contextlib.suppress(Problem):
        assert {fault.kind for fault in asked(text)} <= faults.KINDS.keys()


@pytest.mark.parametrize(
    ("words", "named"),
    [("ooom@3", "torn-checkpoint"), ("kill", "''"), ("kill@lunch", "loading model"), ("nan@row:x", "phase"),
     ("kill@", "''"), ("kill@-3", "a step (40)"), ("oom@12,kill@4o", "4o")],
)  # fmt: skip
def test_a_wrong_word_is_told_with_what_there_is(words: str, named: str) -> None:
    with pytest.raises(Problem) as caught:
        asked(words)
    assert words.rpartition(",")[2] in caught.value.what
    assert named in caught.value.why or not named.strip("'")
    assert caught.value.do


def test_a_full_disk_keeps_the_events_back_until_a_checkpoint_was_refused(tmp_path: Path) -> None:
    events = EventWriter(tmp_path / "events.jsonl")
    faults.arm(asked("diskfull@3"), events.write)
    faults.micro_batch(1.0, 3, [])
    events.write(ev.Log(text="kept back"))
    assert events.refused is not None
    assert "kept back" not in (tmp_path / "events.jsonl").read_text()
    with pytest.raises(OSError, match="No space left") as caught:
        faults.writing("checkpoint", tmp_path)
    assert caught.value.errno == errno.ENOSPC
    faults.writing("checkpoint", tmp_path)
    events.write(ev.Log(text="after"))
    assert events.refused is None
    kinds = [type(event).__name__ for event in map(ev.decode, EventReader(tmp_path / "events.jsonl"))]
    assert kinds == ["Injected", "Found", "Log", "Log"]


def test_what_has_struck_strikes_no_second_time(tmp_path: Path) -> None:
    events = EventWriter(tmp_path / "events.jsonl")
    faults.arm(asked("quota@3,nan@9"), events.write)
    faults.micro_batch(1.0, 3, [])
    faults.arm(asked("quota@3,nan@9"), events.write, EventReader(tmp_path / "events.jsonl"))
    assert faults.micro_batch(1.0, 3, []) == 1.0
    faults.writing("checkpoint", tmp_path)
    assert faults.missed() == "nan@step:9"
    [finding] = faults.findings()
    assert "quota@step:3" in finding.title


def test_a_row_is_named_by_its_line() -> None:
    faults.arm(asked("nan@row:17"), lambda event: None)
    assert faults.micro_batch(1.0, 1, ["a.jsonl:1", "a.jsonl:170"]) == 1.0
    poisoned = faults.micro_batch(1.0, 2, ["a.jsonl:3", "b:7.jsonl:17"])
    assert poisoned != poisoned


def test_the_page_for_those_who_doubt_names_every_fault_and_every_place() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "faults.md").read_text()
    assert [kind for kind in faults.KINDS if f"`{kind}`" not in page] == []
    assert [name for name in faults.PHASES if f"`{name.replace(' ', '-')}`" not in page] == []
