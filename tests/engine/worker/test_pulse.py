"""The worker's pulse: it beats beside the loop, and says where the loop waits when it stops moving."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import events as ev
from engine.event_log import EventReader, EventWriter
from engine.worker import pulse as pulses
from engine.worker.pulse import Pulse


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def pulse(events: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    """A pulse twenty times as quick, whose patience is a quarter of a second."""
    monkeypatch.setattr(pulses, "_BEAT", 0.05)
    monkeypatch.setattr(pulses, "_STALL", 0.25)
    pulse = Pulse(EventWriter(events))
    yield pulse
    pulse.stop()


def _until(events: Path, holds: Callable[[list[ev.AnyEvent]], bool]) -> list[ev.AnyEvent]:
    end = time.monotonic() + 20
    while True:
        seen = [event for event in map(ev.decode, EventReader(events)) if event is not None]
        if holds(seen) or time.monotonic() > end:
            return seen
        time.sleep(0.01)


def _stalls(seen: list[ev.AnyEvent]) -> list[ev.Found]:
    return [event for event in seen if isinstance(event, ev.Found)]


def test_it_beats_while_the_loop_is_busy(pulse: Pulse, events: Path) -> None:
    pulse.start()
    seen = _until(events, lambda seen: len(seen) >= 3)
    assert all(isinstance(event, ev.Heartbeat) and event.rss > 0 for event in seen[:3])


def test_the_steps_before_a_checkpoint_are_on_the_disk_before_it_is_written(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    pulse.report(ev.Phase(name="training"))
    assert synced == []
    pulse.report(ev.Phase(name="saving"))
    assert len(synced) == 1


def test_a_loop_that_has_stopped_moving_is_reported_with_the_place_where_it_waits(
    pulse: Pulse, events: Path
) -> None:
    pulse.report(ev.Phase(name="training"))
    pulse.start()
    seen = _until(events, lambda seen: bool(_stalls(seen)))
    finding = _stalls(seen)[0].finding
    assert finding.category == "hang_or_slow"
    assert "while training" in finding.title
    assert any("time.sleep(0.01)" in line or "_until" in line for line in finding.evidence)


def test_one_stall_is_reported_once_and_the_next_one_again(pulse: Pulse, events: Path) -> None:
    pulse.start()
    _until(events, lambda seen: bool(_stalls(seen)))
    _until(events, lambda seen: len(seen) > 15)
    assert len(_stalls(_until(events, lambda _: True))) == 1
    pulse.report(ev.Log(text="moved"))
    assert len(_stalls(_until(events, lambda seen: len(_stalls(seen)) > 1))) == 2


def test_a_pause_is_no_stall(pulse: Pulse, events: Path) -> None:
    pulse.report(ev.Paused(step=3))
    pulse.start()
    seen = _until(events, lambda seen: len(seen) > 12)
    assert not _stalls(seen)


def test_long_steps_are_given_ten_times_their_usual_length(pulse: Pulse, events: Path) -> None:
    step = ev.Step(step=1, loss=1.0, lr=0.1, grad_norm=1.0, tokens=9, label_tokens=9, seconds=30.0, epoch=0.1)
    pulse.report(step)
    pulse.start()
    seen = _until(events, lambda seen: len(seen) > 12)
    assert not _stalls(seen)
