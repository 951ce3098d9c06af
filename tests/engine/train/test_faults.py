"""Faults injected into the loop itself: the same answers as to real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine import events as ev
from engine import faults
from engine.job import Job
from tests.engine.train.conftest import Run, Start
from tests.engine.train.test_resume import assert_same

Inject = Callable[[str], list[ev.Event]]


@pytest.fixture
def inject() -> Iterator[Inject]:
    """Arms the loop in this process; returns what it will tell of the faults."""

    def arm(words: str) -> list[ev.Event]:
        told: list[ev.Event] = []
        faults.arm(faults.asked({faults.VARIABLE: words}), told.append)
        return told

    yield arm
    faults.arm([], lambda event: None)


def test_oom_halves_the_micro_batches_and_changes_nothing(start: Start, inject: Inject) -> None:
    plain = start("plain")
    told = inject("oom@3")
    run = start("tight")
    assert isinstance(run.end, ev.Finished), run.end
    [finding] = [finding for finding in run.end.findings if finding not in plain.end.findings]
    assert (finding.category, finding.step) == ("oom", 3)
    assert run.losses == pytest.approx(plain.losses, rel=1e-4)
    assert [event.fault for event in told if isinstance(event, ev.Injected)] == ["oom@step:3"]


@pytest.mark.parametrize("phase", ["evaluating", "sampling", "saving", "checkpoint", "adapter"])
def test_oom_beside_the_steps_is_told_apart_and_training_is_as_it_was(
    start: Start, inject: Inject, phase: str
) -> None:
    changes: dict[str, Any] = {"save_steps": 2, "sample_steps": 3, "eval_steps": 3, "eval_split": 0.2}
    plain = start("plain", **changes)
    inject(f"oom@{phase}")
    run = start("tight", **changes)
    assert isinstance(run.end, ev.Finished), run.end
    [finding] = [finding for finding in run.end.findings if finding not in plain.end.findings]
    assert (finding.category, finding.severity) == ("oom_at_checkpoint_or_eval", "warning")
    assert run.losses == plain.losses
    assert [step.micro_batches for step in run.of(ev.Step)] == [s.micro_batches for s in plain.of(ev.Step)]
    assert len(run.of(ev.Saved)) == len(plain.of(ev.Saved))
    losses = [event.loss for event in plain.of(ev.Evaluated)]
    assert [event.loss for event in run.of(ev.Evaluated)] == pytest.approx(losses, rel=1e-4)
    assert_same(plain, run)


@pytest.mark.parametrize("words", ["nan@5", "diskfull@5", "quota@adapter"])
def test_what_ends_a_run_is_explained_and_resumed_bit_for_bit(
    start: Start, inject: Inject, words: str
) -> None:
    whole = start("whole")
    inject(words)
    first = start("broken", save_steps=2)
    if isinstance(first.end, ev.Failed):
        assert first.end.findings[-1].category == ("nan_or_inf" if words == "nan@5" else "save_or_disk")
        assert first.end.resumable
        assert first.end.do
        assert not first.job.adapter.exists()
    second = start("broken", save_steps=2)
    assert isinstance(second.end, ev.Finished), second.end
    assert_same(whole, second)


def test_nan_in_a_row_names_the_row(start: Start, inject: Inject) -> None:
    told = inject("nan@row:7")
    run = start()
    assert isinstance(run.end, ev.Failed)
    assert "rows.jsonl:7" in run.end.why
    assert run.end.findings[-1].category == "nan_or_inf"
    assert [event.fault for event in told if isinstance(event, ev.Injected)] == ["nan@row:7"]


def test_a_slow_step_is_only_slow(start: Start, inject: Inject, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = start("plain")
    monkeypatch.setattr(faults, "_SLOW", 0.5)
    inject("slow@4")
    run = start("slow")
    assert run.of(ev.Step)[3].seconds > 0.5
    assert_same(plain, run)


def test_every_phase_that_a_run_tells_of_can_be_named(
    job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[str] = []
    monkeypatch.setattr(faults, "phase", met.append)
    monkeypatch.setattr(faults, "writing", lambda name, folder: met.append(name))
    run = Run(job(save_steps=2, sample_steps=2, eval_steps=2))
    assert isinstance(run.end, ev.Finished), run.end
    assert set(met) == set(faults.PHASES) - {"fetching model", "loading libraries"}
