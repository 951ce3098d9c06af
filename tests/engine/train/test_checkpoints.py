"""Checkpoints: whatever is damaged is seen, and the best one stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from engine import atomic
from engine import events as ev
from engine.job import Job
from engine.recipe.recipe import Recipe
from engine.train.batches.feed import Feed, Position
from engine.train.saving.checkpoint import Manifest, _digest_of, complete, newest
from tests.engine.train.conftest import Run, Start

FILES = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "manifest.json",
    "optimizer.pt",
    "random-00000.pt",
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, llama: Path, rows: Path) -> Path:
    """The two checkpoints of a finished run, at steps 1 and 2."""
    folder = tmp_path_factory.mktemp("pair")
    recipe = Recipe(model=str(llama), data=str(rows), max_length=64, lora_r=4, max_steps=2, save_steps=1,
                    per_device_train_batch_size=8, eval_steps=0, sample_steps=0)  # fmt: skip
    run = Run(Job(run="1", folder=folder, recipe=recipe, device="cpu"))
    assert isinstance(run.end, ev.Finished), run.end
    assert {path.name for path in (folder / "checkpoints" / "step-00000002").iterdir()} == set(FILES)
    return folder / "checkpoints"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x10
    path.write_bytes(raw)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "emptied": lambda path: path.write_bytes(b""),
    "flipped": flip,
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_every_damage_to_every_file_gives_way_to_the_one_before(
    pair: Path, tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(pair, folder)
    DAMAGES[damage](folder / "step-00000002" / name)
    found, rejected = newest(folder)
    assert found is not None
    assert found.manifest.step == 1
    [why] = rejected
    assert why.startswith("step-00000002: ")


@pytest.mark.parametrize("dies", [0, 1, 2])
def test_one_is_whole_wherever_its_replacement_is_cut_short(
    pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: int
) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(pair, folder)
    target, known, renames = folder / "step-00000002", newest(folder)[0], []
    assert known is not None
    rename = Path.rename

    def cut_short(self: Path, other: Path) -> None:
        renames.append(self)
        if len(renames) > dies:
            raise KeyboardInterrupt
        rename(self, other)

    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(atomic, "_swapped", lambda one, other: False)
        patch.setattr(Path, "rename", cut_short)
        shutil.copytree(target, draft := atomic.draft_of(target))
        (draft / "manifest.json").unlink()
        complete(draft, target, known.manifest)
    found, rejected = newest(folder)
    assert found is not None
    assert (found.manifest.step, rejected) == (2, [])


def test_a_manifest_of_a_newer_version_is_not_guessed_at(pair: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(pair, folder)
    path = folder / "step-00000002" / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | {"version": 99}))
    found, rejected = newest(folder)
    assert found is not None
    assert found.manifest.step == 1
    assert rejected == ["step-00000002: it is of version 99, and this program reads up to 2"]


def test_a_manifest_with_fewer_or_more_fields_is_sound(pair: Path, tmp_path: Path) -> None:
    """Fields come and go between versions of the program that read each other's checkpoints."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(pair, folder)
    for step, change in (("1", lambda said: said.pop("eval_loss")), ("2", lambda said: said.update(new=3.5))):
        path = folder / f"step-0000000{step}" / "manifest.json"
        said = msgspec.json.decode(path.read_bytes())
        change(said)
        path.write_bytes(msgspec.json.encode(said | {"digest": _digest_of(said)}))
    found, rejected = newest(folder)
    assert found is not None
    assert (found.manifest.step, rejected) == (2, [])
    shutil.rmtree(folder / "step-00000002")
    found, rejected = newest(folder)
    assert found is not None
    assert (found.manifest.eval_loss, rejected) == (None, [])


@settings(max_examples=60)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_a_manifest_changes_what_it_says(pair: Path, at: float, bit: int) -> None:
    path = pair / "step-00000002" / "manifest.json"
    good = path.read_bytes()
    raw = bytearray(good)
    raw[int(at * len(raw))] ^= 1 << bit
    try:
        path.write_bytes(raw)
        found, _ = newest(pair)
        assert found is not None
        same = msgspec.json.decode(good, type=Manifest)
        assert found.manifest.step == 1 or found.manifest == same
    finally:
        path.write_bytes(good)


def kept(run: Run) -> set[int]:
    return {int(path.name.removeprefix("step-")) for path in run.job.checkpoints.iterdir()}


# A rate at which the model soon forgets what the held-out rows have in common.
WORSE: dict[str, Any] = {
    "max_steps": 12, "learning_rate": 0.2, "lr_scheduler_type": "constant", "eval_steps": 1,
    "eval_split": 0.3, "save_total_limit": 2,
}  # fmt: skip


def best_step(run: Run) -> int:
    after = [event for event in run.of(ev.Evaluated) if event.step > 0]
    return int(min(after, key=lambda event: event.loss).step)


def test_the_best_checkpoint_stays_beside_the_newest(start: Start) -> None:
    run = start(**WORSE, save_steps=1)
    best = best_step(run)
    assert best < 10, "this run was to become worse"
    assert kept(run) == {best, 11, 12}


def test_the_adapter_is_that_of_the_best_where_the_recipe_wants_it(start: Start) -> None:
    run = start(**WORSE, load_best_model_at_end=True, save_steps=0)
    best = best_step(run)
    assert best < 12
    assert run.end.steps == 12
    saved = load_file(run.job.checkpoints / f"step-{best:08d}" / "adapter_model.safetensors")
    assert all(torch.equal(tensor, run.weights()[name]) for name, tensor in saved.items())
    assert any(f"that of step {best}, the best" in event.text for event in run.of(ev.Log))
    last = load_file(run.job.checkpoints / "step-00000012" / "adapter_model.safetensors")
    assert not all(torch.equal(tensor, run.weights()[name]) for name, tensor in last.items())


def test_with_another_batch_size_each_row_is_still_seen_as_often(start: Start) -> None:
    # 36 rows: 5 steps of 8 an epoch. After 3 of them 24 rows are seen; 12 are left, and 36 more.
    epochs = {"max_steps": -1, "num_train_epochs": 2}
    first = start("run", (2, "interrupt"), **epochs)
    assert first.end.steps == 3
    second = start("run", gradient_accumulation_steps=2, **epochs)
    assert isinstance(second.end, ev.Finished), second.end
    assert second.end.steps == 3 + 3 + 9
    tokens = sum(step.tokens for step in [*first.of(ev.Step), *second.of(ev.Step)])
    assert tokens == 2 * second.of(ev.Planned)[0].tokens
    said = [event.text for event in second.of(ev.Log)]
    assert "gradient_accumulation_steps: 4 -> 2 (changes the mathematics)" in said


@given(
    rows=st.integers(1, 60), first=st.integers(1, 70), second=st.integers(1, 70), epochs=st.integers(1, 4),
    data=st.data(),
)  # fmt: skip
def test_the_steps_left_end_where_the_epochs_do(
    rows: int, first: int, second: int, epochs: int, data: st.DataObject
) -> None:
    before, after = Feed(rows, first, 1), Feed(rows, second, 1)
    at = Position()
    done = data.draw(st.integers(0, epochs * before.steps_per_epoch))
    for _ in range(done):
        _, at = before.take(at)
    left = after.steps_left(at, epochs * after.steps_per_epoch)
    for _ in range(left):
        assert at.epoch < epochs
        _, at = after.take(at)
    assert at == Position(epochs, 0)


def test_the_same_rows_a_step_in_other_pieces_are_safe(start: Start) -> None:
    start("run", (2, "interrupt"))
    again = start("run", per_device_train_batch_size=4, gradient_accumulation_steps=2, save_steps=2)
    said = [event for event in again.of(ev.Log) if "->" in event.text]
    assert {(event.text.rpartition(" ")[2], event.level) for event in said} == {("(safe)", "info")}
    assert len(said) == 3


def test_a_changed_rate_and_decay_count_from_the_resume_on(start: Start) -> None:
    start("run", (2, "interrupt"), lr_scheduler_type="constant", warmup_ratio=0)
    again = start("run", lr_scheduler_type="constant", warmup_ratio=0, learning_rate=1e-3, weight_decay=0.5)
    assert {step.lr for step in again.of(ev.Step)} == {1e-3}
    same = start("same", (2, "interrupt"), lr_scheduler_type="constant", warmup_ratio=0)
    assert same.end.resumable
    plain = start("same", lr_scheduler_type="constant", warmup_ratio=0, learning_rate=1e-3)
    assert any(not torch.equal(tensor, again.weights()[name]) for name, tensor in plain.weights().items())


@pytest.mark.parametrize(
    "change", [{"target_modules": ["q_proj"]}, {"seed": 7}, {"max_length": 32}, {"eval_split": 0.3}], ids=str
)
def test_what_was_learnt_does_not_fit_everything(start: Start, change: dict[str, Any]) -> None:
    start("run", (2, "interrupt"))
    again = start("run", **change)
    [name] = change
    assert isinstance(again.end, ev.Failed)
    assert again.end.what == f"The run cannot go on with another {name}."
    assert f"{name} was " in again.end.why
    assert again.end.findings[-1].category == "checkpoint_resume"
    assert again.end.resumable
