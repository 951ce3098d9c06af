"""A base in 4 or 8 bits learns, resumes bit for bit, and leaves an adapter that plain peft opens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine import events as ev
from engine.job import Job
from engine.train.machine import Machine
from engine.train.model.quantise import held_in
from engine.train.model.student import student_of
from tests.engine.train.conftest import Start

pytest.importorskip("bitsandbytes")
HELD = {
    "nf4, double": {"load_in_4bit": True},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False},
    "int8": {"load_in_8bit": True},
}
each = pytest.mark.parametrize("held", HELD)


@each
def test_a_quantised_base_learns_and_resumes_bit_for_bit(start: Start, held: str) -> None:
    changes: dict[str, Any] = {**HELD[held], "save_steps": 3, "eval_steps": 2, "max_steps": 8}
    whole = start("whole", **changes)
    assert isinstance(whole.end, ev.Finished)
    assert whole.of(ev.Planned)[0].base == held
    assert whole.losses[-1] < whole.losses[0] - 0.5
    cut = start("cut", (5, "interrupt"), **changes)
    assert isinstance(cut.end, ev.Failed)
    again = start("cut", **changes)
    assert isinstance(again.end, ev.Finished)
    assert again.of(ev.Resumed)[0].step > 3
    assert {name: t.tolist() for name, t in again.weights().items()} == {
        name: t.tolist() for name, t in whole.weights().items()
    }


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, tokenizer_files: dict[str, str]) -> Path:
    """A model whose layers are wide enough for all that bitsandbytes does with them on a CPU."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320, hidden_size=128, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=128, initializer_range=0.2, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("wide")
    LlamaForCausalLM(config).save_pretrained(folder)
    for name, text in tokenizer_files.items():
        (folder / name).write_text(text)
    return folder


def logits(model: Any) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=torch.arange(3, 40).reshape(1, -1)).logits
    return found


@each
def test_the_gradient_is_the_same_before_and_after_an_evaluation(
    job: Callable[..., Job], wide: Path, held: str
) -> None:
    made = job(model=str(wide), **HELD[held])
    student = student_of(made, Machine(made))
    assert held_in(student.peft) == held
    ids = torch.arange(3, 40).reshape(1, -1)

    def gradients() -> list[torch.Tensor]:
        student.peft.train()
        student.peft.zero_grad()
        student.peft(input_ids=ids, labels=ids).loss.backward()
        return [p.grad.clone() for p in student.parameters if p.grad is not None]

    before = gradients()
    logits(student.peft)
    assert all(torch.equal(a, b) for a, b in zip(before, gradients(), strict=True))
    states = [getattr(weight, "quant_state", None) for weight in student.peft.parameters()]
    assert not any(getattr(state, "packing_format_for_cpu", False) for state in states)


@each
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_plain_peft_opens_the_adapter_on_the_base_in_either_form(
    start: Start, request: pytest.FixtureRequest, kind: str, held: str
) -> None:
    folder: Path = request.getfixturevalue(kind)
    run = start(model=str(folder), max_steps=12, **HELD[held])
    assert isinstance(run.end, ev.Finished)
    student = student_of(run.job, Machine(run.job))
    quantised = PeftModel.from_pretrained(student.peft.unload(), str(run.job.adapter))
    exact = AutoModelForCausalLM.from_pretrained(folder)
    bare = logits(exact)
    tuned = logits(PeftModel.from_pretrained(exact, str(run.job.adapter)))
    learnt = (tuned - bare).square().mean()
    rounding = (logits(quantised) - tuned).square().mean()
    assert rounding < learnt, "what was learnt is more than what 4 or 8 bits round away"


def test_parameters_are_counted_whatever_holds_them(job: Callable[..., Job], llama: Path) -> None:
    def counts(**changes: Any) -> tuple[int, int]:
        made = job(**changes)
        return student_of(made, Machine(made)).counts

    assert counts() == counts(load_in_4bit=True) == counts(load_in_8bit=True)


def test_a_model_that_is_quantised_in_its_files_keeps_to_that(
    start: Start, job: Callable[..., Job], wide: Path, tmp_path: Path, tokenizer_files: dict[str, str]
) -> None:
    made = job("first", model=str(wide), load_in_4bit=True)
    packed = tmp_path / "packed"
    student_of(made, Machine(made)).peft.unload().save_pretrained(packed)
    for name, text in tokenizer_files.items():
        (packed / name).write_text(text)
    run = start(model=str(packed), load_in_8bit=True)
    assert isinstance(run.end, ev.Finished)
    assert run.of(ev.Planned)[0].base == "nf4, double"


@each
def test_weights_that_are_not_finite_are_told_of(
    start: Start, llama: Path, tmp_path: Path, tokenizer_files: dict[str, str], held: str
) -> None:
    broken = tmp_path / "broken"
    model = AutoModelForCausalLM.from_pretrained(llama)
    model.model.layers[1].mlp.up_proj.weight.data[3, 3] = float("nan")
    model.save_pretrained(broken)
    for name, text in tokenizer_files.items():
        (broken / name).write_text(text)
    run = start(model=str(broken), **HELD[held])
    assert isinstance(run.end, ev.Failed)
    assert "up_proj" in run.end.where
    assert run.end.findings[-1].category == "nan_or_inf"


def test_without_bitsandbytes_it_is_said_how_to_get_it(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    run = start(load_in_4bit=True)
    assert isinstance(run.end, ev.Failed)
    assert run.end.findings[-1].category == "quantization_backend"
    assert "pip install" in run.end.do


def test_double_quantisation_takes_less_memory(job: Callable[..., Job], wide: Path) -> None:
    def held(**changes: Any) -> int:
        made = job(model=str(wide), load_in_4bit=True, **changes)
        weights = student_of(made, Machine(made)).peft.parameters()
        return sum(_scales(weight) for weight in weights)

    assert held(bnb_4bit_use_double_quant=True) < held(bnb_4bit_use_double_quant=False) / 2


def _scales(weight: Any) -> int:
    state = getattr(weight, "quant_state", None)
    return 0 if state is None else state.absmax.numel() * state.absmax.element_size()


def test_an_adapter_goes_on_from_a_plain_base_to_a_quantised_one_and_back(start: Start) -> None:
    plain = start("plain", max_steps=10)
    onto = start("onto", max_steps=4, load_in_4bit=True, adapter=str(plain.job.adapter))
    back = start("back", max_steps=4, adapter=str(onto.job.adapter))
    for run in (onto, back):
        assert isinstance(run.end, ev.Finished)
    assert onto.losses[0] < plain.losses[0] - 0.2, "what was learnt is still there"
    assert back.losses[0] < plain.losses[0] - 0.2


STARTS: dict[str, dict[str, Any]] = {
    "dora": {"use_dora": True},
    "pissa": {"init_lora_weights": "pissa"},
    "loftq": {"init_lora_weights": "loftq"},
    "checkpointed": {"gradient_checkpointing": True},
    "bf16": {"mixed_precision": "bf16"},
    "8-bit moments": {"optim": "adamw_8bit", "loraplus_lr_ratio": 4.0},
}


@pytest.mark.parametrize("name", STARTS)
def test_what_else_a_recipe_wishes_goes_with_4_bits(start: Start, name: str) -> None:
    run = start(max_steps=8, load_in_4bit=True, **STARTS[name])
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses[-1] < run.losses[0] - 0.2


@pytest.mark.parametrize("method", ["adalora", "vera", "ia3", "prompt", "prefix"])
def test_other_methods_learn_on_4_bits_too(start: Start, method: str) -> None:
    run = start(method=method, max_steps=6, save_steps=3, eval_steps=3, load_in_4bit=True)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.of(ev.Planned)[0].base == "nf4, double"
