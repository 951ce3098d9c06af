"""Objectives over pairs: DPO and ORPO by their formulas, however a step is cut, and over a resume."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine import events as ev
from engine.data.dataset import Dataset
from engine.data.prepare import prepare
from engine.data.tokenizer import ModelTokenizer
from engine.job import Job
from engine.recipe.recipe import Recipe
from engine.run_state import RunState, apply
from engine.train.methods import merging
from engine.train.objectives.reference import NAME
from tests.engine.train.conftest import Run, Start

BETA = 0.3


def logps(model: Any, data: Dataset, row: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum and number of the answers' log-probabilities on both sides, one sequence at a time."""
    sums, counts = [], []
    for begin, end in data.sequences(row):
        ids = torch.tensor([list(data.rows.ids[begin:end])])
        mask = torch.tensor(list(data.rows.mask[begin:end]))[1:].bool()
        with torch.no_grad():
            logits = model(ids).logits[0, :-1].float()
        each = torch.log_softmax(logits, -1).gather(1, ids[0, 1:, None])[:, 0]
        sums.append(each[mask].sum())
        counts.append(mask.sum())
    return torch.stack(sums), torch.stack(counts)


def expected(kind: str, policy: Any, reference: Any, data: Dataset) -> float:
    """The mean loss of all rows as the papers write it."""
    losses = []
    for row in range(len(data)):
        now, lengths = logps(policy, data, row)
        if kind == "orpo":
            p = torch.exp(now / lengths)
            odds = p / (1 - p)
            losses.append(-(now / lengths)[0] - BETA * torch.log(torch.sigmoid(torch.log(odds[0] / odds[1]))))
            continue
        ratio = now - logps(reference, data, row)[0]
        h = ratio[0] - ratio[1]
        losses.append(
            {
                "sigmoid": -torch.log(torch.sigmoid(BETA * h)),
                "hinge": torch.clamp(1 - BETA * h, min=0),
                "ipo": ((ratio / lengths)[0] - (ratio / lengths)[1] - 1 / (2 * BETA)) ** 2,
            }[kind]
        )
    return float(torch.stack(losses).mean())


def encoded(recipe: Recipe) -> Dataset:
    """The rows of a recipe as its run reads them."""
    return prepare(recipe, ModelTokenizer(Path(recipe.model))).train


@pytest.mark.parametrize("kind", ["sigmoid", "ipo", "hinge", "orpo"])
def test_the_loss_is_that_of_the_paper(start: Start, llama: Path, pairs: Path, kind: str) -> None:
    words = {"objective": "orpo"} if kind == "orpo" else {"objective": "dpo", "loss_type": kind}
    known: dict[str, Any] = {"data": str(pairs), "beta": BETA, "eval_split": 0.0, "learning_rate": 5e-3}
    first = start("first", max_steps=2, **known, **words)
    # The whole data in a step: the loss of the next run's first step is that of the adapter before it.
    second = start("second", **known, **words, adapter=str(first.job.adapter), max_steps=1,
                   per_device_train_batch_size=24, gradient_accumulation_steps=1)  # fmt: skip
    base = AutoModelForCausalLM.from_pretrained(llama)
    data = encoded(second.job.recipe)
    at_rest = {"sigmoid": math.log(2), "hinge": 1.0, "ipo": (1 / (2 * BETA)) ** 2}
    if kind == "orpo":
        policy = PeftModel.from_pretrained(base, first.job.adapter)
        assert second.losses == [pytest.approx(expected(kind, policy, None, data), rel=1e-5)]
        return
    # DPO after another run takes what that run left as its reference.
    assert second.losses == [pytest.approx(at_rest[kind], rel=1e-6)]
    evaluated = start("third", **{**known, "eval_data": str(pairs)}, **words, max_steps=3)
    last = evaluated.of(ev.Evaluated)[-1]
    data = prepare(evaluated.job.recipe, ModelTokenizer(llama)).eval
    reference = AutoModelForCausalLM.from_pretrained(llama)
    policy = PeftModel.from_pretrained(base, evaluated.job.adapter)
    assert last.loss == pytest.approx(expected(kind, policy, reference, data), rel=1e-5)
    assert last.figures["margin"] != 0


def test_pairs_are_learnt_and_told(start: Start, pairs: Path) -> None:
    run = start(data=str(pairs), objective="dpo", max_steps=12, eval_steps=6, learning_rate=1e-2)

    assert run.end.outcome == "succeeded"
    state = RunState()
    for event in run.events:
        apply(state, event)
    assert state.plan.objective == "dpo"
    assert set(state.figures) == {"accuracy", "margin", "chosen_reward", "rejected_reward"}
    first, last = (state.figures["margin"].points()[at] for at in (0, -1))
    assert abs(first[1]) < 1e-5
    assert last[1] > 0.5
    assert [p[0] for p in state.eval_figures["accuracy"].points()] == [0, 6, 12]
    assert run.losses[0] == pytest.approx(math.log(2), rel=1e-5)


@pytest.mark.parametrize("objective", ["dpo", "orpo"])
def test_how_a_step_is_cut_changes_nothing(start: Start, pairs: Path, objective: str) -> None:
    known: dict[str, Any] = {"data": str(pairs), "objective": objective, "max_steps": 3, "max_length": 128}
    one = start("one", per_device_train_batch_size=16, gradient_accumulation_steps=1, **known)
    many = start("many", per_device_train_batch_size=1, gradient_accumulation_steps=16, **known)
    assert one.of(ev.Step)[0].micro_batches < many.of(ev.Step)[0].micro_batches
    assert one.losses == pytest.approx(many.losses, rel=1e-4)
    theirs = many.weights()
    for name, tensor in one.weights().items():
        assert torch.allclose(tensor, theirs[name], atol=2e-4)


def test_a_resume_is_exact_and_measures_no_reference_again(start: Start, pairs: Path) -> None:
    known: dict[str, Any] = {"data": str(pairs), "objective": "dpo", "lora_dropout": 0.1, "save_steps": 2}
    whole = start("whole", **known)
    start("cut", (3, "interrupt"), **known)
    rest = start("cut", **known)
    assert rest.of(ev.Resumed)
    assert "reference" in {phase.name for phase in whole.of(ev.Phase)}
    assert "reference" not in {phase.name for phase in rest.of(ev.Phase)}
    assert rest.losses[-1] == whole.losses[-1]
    theirs = rest.weights()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in whole.weights().items())


def test_pairs_that_are_mapped_from_the_disk_are_the_same(
    job: Callable[..., Job], pairs: Path, tmp_path: Path
) -> None:
    known: dict[str, Any] = {"data": str(pairs), "objective": "dpo", "max_steps": 2}
    runs = [
        Run(msgspec.structs.replace(job(name, **known), tokens=tmp_path / "tokens"))
        for name in ("encodes", "maps")
    ]
    assert runs[0].losses == runs[1].losses
    assert list((tmp_path / "tokens").glob("*/parted"))


def test_a_lost_reference_is_measured_again_with_what_the_run_began_with(start: Start, pairs: Path) -> None:
    sft = start("sft", data=str(pairs), data_format="preference", max_steps=2)
    known: dict[str, Any] = {"data": str(pairs), "objective": "dpo", "adapter": str(sft.job.adapter)}
    whole = start("whole", **known)
    cut = start("cut", (3, "interrupt"), **known)
    (cut.job.folder / NAME).unlink()
    rest = start("cut", **known)
    theirs = rest.weights()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in whole.weights().items())


def test_a_merged_adapter_is_the_reference_and_what_is_saved_fits_the_original_model(
    start: Start, llama: Path, pairs: Path
) -> None:
    narrow: dict[str, Any] = {"max_steps": 3, "target_modules": ["q_proj", "v_proj"]}
    sft = start("sft", data=str(pairs), data_format="preference", **narrow)
    known: dict[str, Any] = {
        "data": str(pairs), "eval_data": str(pairs), "objective": "dpo", "beta": BETA, "lora_r": 3,
        "adapter": str(sft.job.adapter), "merge_adapter": True, "learning_rate": 5e-3, "max_steps": 4,
    }  # fmt: skip
    run = start("on top", **known)
    assert run.losses[0] == pytest.approx(math.log(2), rel=1e-6)
    data = prepare(run.job.recipe, ModelTokenizer(llama)).eval
    reference, policy = (
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(llama), one.job.adapter)
        for one in (sft, run)
    )
    last = run.of(ev.Evaluated)[-1]
    assert last.loss != pytest.approx(math.log(2), rel=1e-3)
    assert last.loss == pytest.approx(expected("sigmoid", policy, reference, data), rel=1e-5)
    assert policy.peft_config["default"].r in (3, 7)

    start("cut", (2, "interrupt"), **known)
    shutil.rmtree(sft.job.adapter)  # the run keeps what it merged
    rest, whole = start("cut", **known).weights(), run.weights()
    assert all(torch.equal(tensor, rest[name]) for name, tensor in whole.items())


@pytest.mark.parametrize("merges", [False, True])
def test_a_lost_reference_of_a_start_by_the_weights_is_that_of_the_base(
    start: Start, pairs: Path, *, merges: bool
) -> None:
    """What such an adapter holds is not kept, and is nothing: what it began with is taken off again."""
    known: dict[str, Any] = {"data": str(pairs), "objective": "dpo", "init_lora_weights": "pissa"}
    if merges:
        sft = start("sft", data=str(pairs), data_format="preference", max_steps=2)
        known |= {"adapter": str(sft.job.adapter), "merge_adapter": True}
    whole = start("whole", **known)
    cut = start("cut", (3, "interrupt"), **known)
    (cut.job.folder / NAME).unlink()
    rest = start("cut", **known)
    assert isinstance(rest.end, ev.Finished), rest.end
    assert rest.losses[-1] == pytest.approx(whole.losses[-1], rel=1e-4)


def test_a_merged_adapter_that_the_disk_changed_is_no_success(
    start: Start, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sft = start("sft", data=str(pairs), data_format="preference", max_steps=2)
    honest = merging.save_file

    def spoilt(state: dict[str, torch.Tensor], path: Path, **more: Any) -> None:
        honest({name: tensor + 1 for name, tensor in state.items()}, path, **more)

    monkeypatch.setattr(merging, "save_file", spoilt)
    run = start("on top", adapter=str(sft.job.adapter), merge_adapter=True)
    assert isinstance(run.end, ev.Failed)
    assert "not sound" in run.end.what
    assert not run.job.adapter.exists()


def test_a_reference_that_cannot_be_had_again_stops_the_run(start: Start, pairs: Path) -> None:
    sft = start("sft", data=str(pairs), data_format="preference", max_steps=2)
    known: dict[str, Any] = {"data": str(pairs), "objective": "dpo", "adapter": str(sft.job.adapter)}
    cut = start("cut", (3, "interrupt"), **known)
    (cut.job.folder / NAME).unlink()
    (sft.job.adapter / "adapter_model.safetensors").unlink()
    end = start("cut", **known).end
    assert isinstance(end, ev.Failed)
    assert "reference log-probabilities are gone" in end.what


def test_a_stop_while_the_reference_is_measured_keeps_what_is_known(
    start: Start, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.train.objectives import reference

    known: dict[str, Any] = {
        "data": str(pairs),
        "objective": "dpo",
        "per_device_train_batch_size": 1,
        "eval_split": 0.0,
    }
    measured: list[int] = []
    plain = reference.sides_of

    def counted(model: Any, labelled: Any, micro: Any) -> Any:
        measured.append(micro.sequences // 2)
        if len(measured) == 3:
            run_orders.append("interrupt")
        return plain(model, labelled, micro)

    run_orders: list[str] = []
    monkeypatch.setattr(reference, "sides_of", counted)
    monkeypatch.setattr(
        "tests.engine.train.conftest.Orders.next",
        lambda self: (run_orders.pop(), "a test") if run_orders else None,
    )
    first = start("run", **known)
    assert isinstance(first.end, ev.Failed)
    assert first.end.interrupted
    assert sum(measured) < 24
    assert start("run", **known).end.outcome == "succeeded"
    assert sum(measured) == 24
