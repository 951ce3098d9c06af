"""What takes the most memory is tried before the first step, and leaves no trace of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import events as ev
from engine import faults, room
from engine.train import loop
from engine.train.listening import Listener
from engine.train.memory import rehearsal
from engine.train.objectives import supervised
from engine.train.objectives.loss import summed_loss
from engine.train.session import Session
from tests.engine.train.conftest import Run, Start, sentence
from tests.engine.train.test_resume import assert_same

DROPS: dict[str, Any] = {"lora_dropout": 0.2, "eval_steps": 3}


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Many short rows and a long one, which no first step of seed 42 has in it."""
    path = tmp_path / "uneven.jsonl"
    rows = [{"text": sentence(i, 70 if i == 5 else 3 + i % 4)} for i in range(48)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def inject() -> Iterator[Callable[[str], None]]:
    """Arms the loop in this process."""

    def arm(words: str) -> None:
        faults.arm(faults.asked({faults.VARIABLE: words}), lambda event: None)

    yield arm
    faults.arm([], lambda event: None)


def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int]]:
    """Whether each micro-batch was learnt from, and its tokens, as they come."""
    seen: list[tuple[bool, int]] = []

    def watched(model: Any, labelled: Any, micro: Any) -> torch.Tensor:
        seen.append((model.training, micro.ids.numel()))
        return summed_loss(model, labelled, micro)

    monkeypatch.setattr(supervised, "summed_loss", watched)
    return seen


def phases(run: Run) -> list[str]:
    return [event.name for event in run.of(ev.Phase)]


def test_the_longest_row_is_learnt_from_before_the_first_step(
    start: Start, uneven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = sizes(monkeypatch)
    run = start(data=str(uneven), max_length=128, eval_split=0.0)
    assert isinstance(run.end, ev.Finished), run.end
    learnt = [tokens for training, tokens in seen if training]
    assert learnt[0] == max(learnt), "the first micro-batch of all is the largest of all"
    assert phases(run)[2:4] == ["rehearsing", "training"]
    assert {event.unit for event in run.of(ev.Progress)} >= {"parts"}


def test_it_leaves_no_trace(start: Start, uneven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in weights, random numbers, gradients or the optimizer, to the bit; and no file."""
    changes = DROPS | {"data": str(uneven), "max_length": 128, "eval_split": 0.2}
    left: list[bool] = []
    rehearsed = loop.rehearse

    def watched(session: Session) -> None:
        rehearsed(session)
        left.append(session.job.checkpoints.exists())
        assert all(p.grad is None for p in session.optimizer.parameters)
        assert session.student.peft.training

    with monkeypatch.context() as patch:
        patch.setattr(loop, "rehearse", watched)
        tried = start("tried", **changes)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "rehearse", lambda session: None)
        untried = start("untried", **changes)
    assert left == [False]
    assert "rehearsing" in phases(tried)
    assert "rehearsing" not in phases(untried)
    assert tried.losses == untried.losses
    assert_same(tried, untried)


def test_what_does_not_fit_is_found_before_the_first_step(
    start: Start, uneven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tight(model: Any, labelled: Any, micro: Any) -> torch.Tensor:
        if micro.ids.numel() > 80:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return summed_loss(model, labelled, micro)

    monkeypatch.setattr(supervised, "summed_loss", tight)
    run = start(data=str(uneven), max_length=128, eval_split=0.0)
    assert isinstance(run.end, ev.Failed)
    assert run.of(ev.Step) == []
    assert run.end.findings[-1].category == "oom"
    assert not run.job.adapter.exists()
    assert not run.job.checkpoints.exists()


def test_faults_wait_for_the_run_itself(start: Start, inject: Callable[[str], None]) -> None:
    inject("nan@1")
    run = start()
    assert isinstance(run.end, ev.Failed)
    assert "Step 1" in run.end.what


def test_a_resumed_run_does_not_try_again_what_this_device_has_held(start: Start) -> None:
    first = start("run", (2, "interrupt"))
    assert "rehearsing" in phases(first)
    assert "rehearsing" not in phases(start("run"))


def test_a_stop_meanwhile_ends_the_run_without_an_adapter(start: Start) -> None:
    run = start("run", (0, "stop"))
    assert isinstance(run.end, ev.Finished)
    assert (run.end.outcome, run.end.adapter) == ("stopped", None)


def test_the_peak_is_predicted_by_part(start: Start) -> None:
    run = start()
    [predicted] = run.of(ev.Predicted)
    assert predicted.bytes == sum(predicted.parts.values()) > 0
    assert predicted.parts["weights"] > predicted.parts["adapter"] > 0


def test_no_more_rows_are_looked_at_than_a_moment_allows(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "_LOOKED_AT", 8)
    seen = sizes(monkeypatch)
    run = start(max_steps=3, eval_split=0.0)
    assert isinstance(run.end, ev.Finished), run.end
    steps = sum(step.micro_batches for step in run.of(ev.Step))
    assert len(seen) == steps, "the only step that was looked at is the first, which needs no trial"


def test_a_stop_while_the_disk_is_full_ends_it_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(self: Listener, *_: object, **__: object) -> bool:
        self.unwilling, self.leaving = True, "stop"
        return False

    monkeypatch.setattr(room, "fits", lambda need: need.what != "a checkpoint")
    monkeypatch.setattr(Listener, "hold", leave)
    monkeypatch.setattr(loop, "check_room", lambda session: None)
    run = start()
    assert isinstance(run.end, ev.Finished), run.end
    assert run.end.adapter is None
