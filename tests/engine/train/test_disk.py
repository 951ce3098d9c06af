"""A disk without room: a run pauses, says what to free, goes on by itself, and comes out the same."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from engine import events as ev
from engine import room
from engine.job import Job, Order
from engine.train import listening
from engine.train.loop import train
from engine.train.saving import sizes
from engine.train.saving.checkpoint import newest
from tests.engine.small_disk import SmallDisk
from tests.engine.train.conftest import Start

CHANGES: dict[str, Any] = {"max_steps": 6, "save_steps": 2, "lora_dropout": 0.2}
MakeJob = Callable[..., Job]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_LOOK", 0.01)
    monkeypatch.setattr(listening, "_PAUSE_POLL", 0.01)


class Person:
    """Watches a run: fills the disk at a step, and does something once the run has waited for a while."""

    def __init__(self, at: int, fill: Callable[[], object], then: Callable[[], Order | None]) -> None:
        self.events: list[ev.Event] = []
        self._at, self._fill, self._then = at, fill, then
        self._looks = 0

    def report(self, event: ev.Event, /) -> None:
        self.events.append(event)
        if isinstance(event, ev.Step) and event.step == self._at:
            self._fill()

    def next(self) -> tuple[Order, str] | None:
        if not self.of(ev.Paused) or self.of(ev.Continued):
            return None
        self._looks += 1
        order = self._then() if self._looks == 8 else None
        return (order, "a person") if order else None

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def watch(self, job: Job) -> ev.Finished | ev.Failed:
        return train(job, self.report, self)


def weights(job: Job) -> dict[str, torch.Tensor]:
    return load_file(job.adapter / "adapter_model.safetensors")


def assert_waited_and_equals(person: Person, end: ev.Event, job: Job, whole: dict[str, torch.Tensor]) -> None:
    assert isinstance(end, ev.Finished), end
    assert len(person.of(ev.Paused)) == len(person.of(ev.Continued)) == 1
    assert "no room for" in person.of(ev.Paused)[0].reason
    told = [event.finding for event in person.of(ev.Found) if event.finding.category == "save_or_disk"]
    first, last = told
    assert (first.severity, last.severity) == ("warning", "note")
    assert any(line.startswith("needed: ") for line in first.evidence)
    assert [finding for finding in end.findings if finding.title == first.title] == [last]
    assert [path for path in job.checkpoints.iterdir() if path.name.startswith(".")] == []
    assert all(torch.equal(tensor, weights(job)[name]) for name, tensor in whole.items())


@pytest.fixture
def whole(start: Start) -> dict[str, torch.Tensor]:
    return start("whole", **CHANGES).weights()


def on(disk: SmallDisk, job: MakeJob, **changes: Any) -> Job:
    return msgspec.structs.replace(job("1", **{**CHANGES, **changes}), folder=disk.folder / "runs" / "1")


def test_a_full_disk_is_waited_for(small_disk: SmallDisk, job: MakeJob, whole: dict[str, Any]) -> None:
    mine = on(small_disk, job)
    person = Person(3, small_disk.fill, small_disk.free)
    assert_waited_and_equals(person, person.watch(mine), mine, whole)


def test_so_is_one_that_the_adapter_alone_goes_to(
    small_disk: SmallDisk, job: MakeJob, whole: dict[str, Any]
) -> None:
    mine = job("1", output_dir=str(small_disk.folder / "out"), **CHANGES)
    person = Person(5, small_disk.fill, small_disk.free)
    assert_waited_and_equals(person, person.watch(mine), mine, whole)
    assert "the adapter" in person.of(ev.Paused)[0].reason


def test_and_a_limit_on_the_size_of_a_file(job: MakeJob, whole: dict[str, Any]) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, before[1]))

    def wide() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    mine = job("1", **CHANGES)
    person = Person(3, narrow, wide)
    try:
        end = person.watch(mine)
    finally:
        wide()
    assert_waited_and_equals(person, end, mine, whole)
    assert "File too large" in person.of(ev.Paused)[0].reason


def test_stop_ends_the_waiting_and_the_run_can_be_resumed(
    small_disk: SmallDisk, job: MakeJob, whole: dict[str, Any]
) -> None:
    mine = on(small_disk, job)
    person = Person(3, small_disk.fill, lambda: "stop")
    end = person.watch(mine)
    assert isinstance(end, ev.Failed)
    assert end.interrupted
    assert end.resumable
    assert end.what.endswith("there was no room to save it, and the last checkpoint is of step 2.")
    assert not mine.adapter.exists()
    small_disk.free()
    again = Person(99, lambda: None, lambda: None)
    assert isinstance(again.watch(mine), ev.Finished)
    assert all(torch.equal(tensor, weights(mine)[name]) for name, tensor in whole.items())


def test_a_signal_does_not_wait(small_disk: SmallDisk, job: MakeJob) -> None:
    mine = on(small_disk, job, save_steps=0)

    class Ended(Person):
        def next(self) -> tuple[Order, str] | None:
            return ("interrupt", "SIGTERM") if self.of(ev.Step) else None

    person = Ended(1, small_disk.fill, lambda: None)
    end = person.watch(mine)
    assert isinstance(end, ev.Failed)
    assert end.interrupted
    assert not person.of(ev.Paused)


def test_a_run_that_cannot_fit_is_refused_before_its_first_step(small_disk: SmallDisk, job: MakeJob) -> None:
    old = small_disk.folder / "runs" / "7" / "checkpoints" / "step-00000001"
    old.mkdir(parents=True)
    (old / "optimizer.pt").write_bytes(b"x" * 300_000)
    small_disk.fill()
    person = Person(99, lambda: None, lambda: None)
    end = person.watch(on(small_disk, job))
    assert isinstance(end, ev.Failed)
    assert "needed, 0 KiB free" in end.what
    assert end.where == str(small_disk.folder / "runs" / "1")
    assert "checkpoints of" in end.why
    assert "`openlora runs delete 7` gives back 293 KiB" in end.do
    assert end.findings[-1].category == "save_or_disk"
    assert not person.of(ev.Step)


@pytest.mark.parametrize("changes", [{}, {"lora_r": 64}, {"target_modules": ["q_proj"]}], ids=str)
def test_what_a_checkpoint_takes_is_known_before_there_is_one(
    start: Start, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    told: list[int] = []

    def noted(session: Any) -> None:
        told.extend((sizes.checkpoint_bytes(session), sizes.adapter_bytes(session)))

    monkeypatch.setattr("engine.train.loop.check_room", noted)
    run = start("run", **changes)
    [saved] = run.of(ev.Saved)
    assert saved.bytes <= told[0] <= saved.bytes * 1.1 + 100_000
    assert room.held(run.job.adapter) <= told[1] <= room.held(run.job.adapter) * 1.1 + 30_000


def test_evaluation_is_what_it_was_after_a_wait(small_disk: SmallDisk, job: MakeJob, start: Start) -> None:
    changes = {"eval_steps": 2}
    whole = start("whole", **CHANGES, **changes)
    mine = on(small_disk, job, **changes)
    person = Person(3, small_disk.fill, small_disk.free)
    person.watch(mine)
    assert [e.loss for e in person.of(ev.Evaluated)] == [e.loss for e in whole.of(ev.Evaluated)]
    found, rejected = newest(mine.checkpoints)
    assert found is not None
    assert not rejected


@pytest.fixture(autouse=True)
def _limit_is_put_back() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_does_not_tell_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "free", lambda folder: None)
    assert room.fits(room.Need(what="x", bytes=1 << 60, folder=tmp_path))
