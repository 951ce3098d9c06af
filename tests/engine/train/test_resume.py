"""Leaving and coming back: a run in pieces is, bit for bit, the run that was never broken."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
import torch

from engine import events as ev
from engine.job import Order
from engine.train.saving.checkpoint import newest
from tests.engine.train.conftest import Run, Start

# 36 rows in batches of 8: an epoch ends after step 5, so steps 3 and 7 are in the middle of one.
LONG = {"max_steps": 9, "lora_dropout": 0.2, "eval_steps": 4, "warmup_ratio": 0.3, "weight_decay": 0.01}


def assert_same(one: Run, other: Run) -> None:
    for name, tensor in one.weights().items():
        assert torch.equal(tensor, other.weights()[name]), name


@pytest.mark.parametrize("order", ["interrupt", "stop"])
@pytest.mark.parametrize("at", [2, 6])
def test_resumed_equals_unbroken_bit_for_bit(start: Start, order: Order, at: int) -> None:
    whole = start("whole", **LONG)
    first = start("broken", (at, order), **LONG)
    assert first.end.steps < 9
    second = start("broken", **LONG)

    assert isinstance(second.end, ev.Finished), second.end
    [resumed] = second.of(ev.Resumed)
    assert resumed.step == first.end.steps
    assert first.losses + second.losses == whole.losses
    assert second.end.loss == whole.end.loss
    assert_same(whole, second)


def test_interrupted_leaves_a_checkpoint_and_no_adapter(start: Start) -> None:
    run = start("run", (2, "interrupt"))
    assert isinstance(run.end, ev.Failed)
    assert run.end.interrupted
    assert run.end.resumable
    assert not run.job.adapter.exists()
    assert newest(run.job.checkpoints)[0] is not None


def test_stopped_leaves_a_verified_adapter(start: Start) -> None:
    run = start("run", (2, "stop"))
    assert isinstance(run.end, ev.Finished)
    assert run.end.outcome == "stopped"
    assert run.end.adapter == str(run.job.adapter)
    assert [event.by for event in run.of(ev.Stopping)] == ["a test"]


@pytest.mark.parametrize(("order", "kind"), [("stop", ev.Finished), ("interrupt", ev.Failed)])
def test_leaving_before_the_first_step_keeps_nothing(
    start: Start, order: Order, kind: type[ev.Event]
) -> None:
    run = start("run", (0, order))
    assert isinstance(run.end, kind)
    assert run.end.steps == 0
    assert run.end.adapter is None
    assert not run.of(ev.Step)


def test_save_writes_a_checkpoint_and_goes_on(start: Start) -> None:
    run = start("run", (2, "save"))
    assert [event.step for event in run.of(ev.Saved)][-1] == 6
    assert len(run.of(ev.Saved)) == 2
    assert run.end.outcome == "succeeded"


def test_pause_waits_and_costs_no_step_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    gate = threading.Event()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        gate.wait(0.2)

    monkeypatch.setattr("engine.train.listening.time.sleep", sleep)
    from tests.engine.train import conftest

    class Late(conftest.Orders):
        def next(self) -> tuple[Order, str] | None:
            if self.planned and self.planned[0][1] == "continue" and len(waits) < 3:
                return None
            return super().next()

    monkeypatch.setattr(conftest, "Orders", Late)
    quiet = start("quiet")
    run = start("run", (2, "pause"), (2, "continue"))
    [continued] = run.of(ev.Continued)
    assert len(run.of(ev.Paused)) == 1
    assert continued.seconds >= 0.5
    assert max(step.seconds for step in run.of(ev.Step)) < continued.seconds
    assert_same(quiet, run)


def test_the_newest_checkpoints_are_kept(start: Start) -> None:
    run = start(save_steps=1, save_total_limit=3)
    kept = sorted(path.name for path in run.job.checkpoints.iterdir())
    assert kept == ["step-00000004", "step-00000005", "step-00000006"]


@pytest.mark.parametrize("damage", ["cut", "flip", "no manifest"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(start: Start, damage: str) -> None:
    whole = start("whole", **LONG)
    first = start("broken", (6, "interrupt"), save_steps=2, **LONG)
    before, bad = sorted(first.job.checkpoints.iterdir())[-2:]
    weights = bad / "adapter_model.safetensors"
    raw = bytearray(weights.read_bytes())
    if damage == "cut":
        weights.write_bytes(raw[:-9])
    elif damage == "flip":
        raw[-9] ^= 1
        weights.write_bytes(raw)
    else:
        (bad / "manifest.json").unlink()
    (first.job.checkpoints / ".step-00000099.draft").mkdir()

    second = start("broken", save_steps=2, **LONG)
    assert [event.path for event in second.of(ev.Resumed)] == [str(before)]
    assert any(bad.name in line for f in second.end.findings for line in f.evidence)
    assert not (first.job.checkpoints / ".step-00000099.draft").exists()
    assert_same(whole, second)


def test_where_every_checkpoint_is_damaged_the_run_begins_again_and_says_so(start: Start) -> None:
    whole = start("whole", **LONG)
    first = start("broken", (2, "interrupt"), **LONG)
    [only] = first.job.checkpoints.iterdir()
    (only / "manifest.json").unlink()
    second = start("broken", **LONG)
    assert [event.step for event in second.of(ev.Resumed)] == [0]
    assert any("Starting from the beginning" in finding.title for finding in second.end.findings)
    assert_same(whole, second)


def test_a_damaged_checkpoint_does_not_push_out_sound_ones(start: Start) -> None:
    first = start("run", (4, "interrupt"), save_steps=1, save_total_limit=1)
    [only] = first.job.checkpoints.iterdir()
    bad = only.with_name("step-00000099")
    bad.mkdir()
    second = start("run", (5, "interrupt"), save_steps=1, save_total_limit=1)
    assert second.of(ev.Resumed)
    third = start("run", save_total_limit=1)
    assert third.of(ev.Resumed)[0].step == second.end.steps


def test_other_data_is_not_taken_up(start: Start, rows: Path, tmp_path: Path) -> None:
    start("run", (2, "interrupt"))
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text("".join(rows.read_text().splitlines(keepends=True)[:30]))
    again = start("run", data=str(fewer))
    assert isinstance(again.end, ev.Failed)
    assert again.end.findings[-1].category == "checkpoint_resume"
    assert again.end.resumable


def test_another_rank_is_refused_in_words(start: Start) -> None:
    start("run", (2, "interrupt"))
    again = start("run", lora_r=8)
    assert isinstance(again.end, ev.Failed)
    assert again.end.what == "The run cannot go on with another lora_r."
    assert again.end.why == "At its last checkpoint lora_r was 4 and it is 8 now."


def test_resuming_a_finished_run_only_writes_its_adapter_again(start: Start) -> None:
    first = start("run")
    shutil.rmtree(first.job.adapter)
    again = start("run")
    assert isinstance(again.end, ev.Finished)
    assert not again.of(ev.Step)
    assert again.end.loss == first.end.loss


def test_an_output_folder_with_other_files_keeps_them(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.md").write_text("mine")
    run = start("run", output_dir=str(out))
    assert isinstance(run.end, ev.Finished), run.end
    assert (out / "notes.md").read_text() == "mine"
    assert json.loads((out / "adapter_config.json").read_text())["peft_type"] == "LORA"
    start("again", output_dir=str(out), seed=5)
    assert sorted(p.name for p in out.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "notes.md",
    ]
