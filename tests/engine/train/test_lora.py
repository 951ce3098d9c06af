"""What LoRA comes in: ways to start, patterns, blocks, modules that learn whole, rates and noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine import events as ev
from engine.data import ModelTokenizer, prepare
from engine.job import Job
from engine.train.machine import Machine
from engine.train.methods import adapter, starts
from engine.train.model.student import Student, student_of
from engine.train.optimizers.groups import groups_of
from tests.engine.train.conftest import Run, Start

IDS = torch.tensor([[1, 40, 50, 60, 70, 45, 55, 65, 75, 41]])
STARTS = ["gaussian", "orthogonal", "pissa", "pissa_niter_2", "olora", "eva"]
VARIANTS: list[dict[str, Any]] = [
    {},
    {"use_rslora": True},
    {"use_rslora": True, "rank_pattern": {"mlp.*": 2}, "alpha_pattern": {"attn.*|self_attn.*": 3.0}},
    {"layers_to_transform": [1], "exclude_modules": ["down_proj", "mlp.c_proj"]},
]

Make = Callable[..., Job]


@pytest.fixture(params=["llama", "gpt2"])
def model(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


def _student(job: Job) -> Student:
    data = prepare(job.recipe, ModelTokenizer(Path(job.recipe.model))).train
    return student_of(job, Machine(job), data=data)


def _moved(student: Student) -> Student:
    """As if it had learnt something."""
    torch.manual_seed(3)
    for parameter in student.parameters:
        parameter.data += 0.1 * torch.randn_like(parameter)
    return student


def _logits(model: Any) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        return model(input_ids=IDS).logits


def _plain(model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)


def _written(student: Student, folder: Path) -> Path:
    folder.mkdir()
    adapter.write(folder, student.peft, "base")
    return folder


@pytest.mark.parametrize("start", [*STARTS, "default"])
def test_every_start_begins_as_the_original_model(job: Make, model: Path, start: str) -> None:
    student = _student(job(model=str(model), init_lora_weights=start))
    torch.testing.assert_close(_logits(student.peft), _logits(_plain(model)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: "-".join(one) or "plain")
def test_plain_peft_gives_equal_logits_on_the_original_model(
    job: Make, model: Path, start: str, variant: dict[str, Any], tmp_path: Path
) -> None:
    if "exclude_modules" in variant:
        names = variant["exclude_modules"]
        variant = variant | {"exclude_modules": names[:1] if model.name.startswith("llama") else names[1:]}
    student = _moved(_student(job(model=str(model), init_lora_weights=start, **variant)))
    folder = _written(student, tmp_path / "adapter")
    opened = PeftModel.from_pretrained(_plain(model), str(folder))
    learnt = _logits(student.peft)
    assert not torch.allclose(learnt, _logits(_plain(model)), atol=1e-2)
    torch.testing.assert_close(_logits(opened), learnt, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(_logits(opened.merge_and_unload()), learnt, rtol=1e-4, atol=1e-4)
    with student.peft.disable_adapter():  # as the reference of preference training is
        torch.testing.assert_close(_logits(student.peft), _logits(_plain(model)))


@pytest.mark.parametrize("way", ["pissa", "olora", "eva"])
def test_every_start_learns_and_resumes_bit_for_bit(start: Start, gpt2: Path, way: str) -> None:
    changes: dict[str, Any] = {"model": str(gpt2), "init_lora_weights": way, "lora_dropout": 0.1}
    whole = start("whole", **changes)
    assert isinstance(whole.end, ev.Finished), whole.end
    assert whole.losses[-1] < whole.losses[0]
    start("broken", (3, "interrupt"), **changes)
    again = start("broken", **changes)
    assert again.of(ev.Resumed)
    _same(whole, again)


def test_a_run_goes_on_from_an_adapter_that_began_with_the_weights(start: Start) -> None:
    first = start("first", init_lora_weights="pissa")
    second = start("second", adapter=str(first.job.adapter), eval_steps=6, max_steps=2)
    assert isinstance(second.end, ev.Finished), second.end
    assert second.of(ev.Planned)[0].rank == 8
    assert (
        second.of(ev.Evaluated)[0].loss < start("fresh", eval_steps=6, max_steps=1).of(ev.Evaluated)[0].loss
    )


def test_the_best_checkpoint_of_such_a_start_is_taken_whole(start: Start) -> None:
    changes = {"init_lora_weights": "pissa", "eval_steps": 2, "load_best_model_at_end": True}
    run = start(learning_rate=0.3, max_steps=8, **changes)
    assert isinstance(run.end, ev.Finished), run.end


def test_eva_shares_the_ranks_out_and_keeps_their_number(job: Make) -> None:
    student = _student(job(init_lora_weights="eva"))
    ranks = [layer.r["default"] for _, layer in starts.lora_layers(student.peft)]
    assert sum(ranks) == 4 * 14
    assert len(set(ranks)) > 1
    assert any("ranks by what the rows tell" in note for note in student.laid.notes)


def test_eva_with_too_few_rows_says_so_and_starts_as_usual(job: Make, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text('{"text": "a dog"}\n' * 2)
    student = _student(job(init_lora_weights="eva", data=str(few), eval_split=0.0, lora_r=16))
    assert any("too few rows" in note for note in student.laid.notes)


def test_ranks_and_alphas_go_by_their_patterns(job: Make) -> None:
    student = _student(job(rank_pattern={"q_proj": 8, "layers.0.mlp.*": 2}, alpha_pattern={"q_proj": 32.0}))
    found = {path.removeprefix("base_model.model.model."): layer.r["default"] for path, layer in
             starts.lora_layers(student.peft)}  # fmt: skip
    assert found["layers.1.self_attn.q_proj"] == 8
    assert found["layers.0.mlp.up_proj"] == 2
    assert found["layers.1.mlp.up_proj"] == 4
    scales = {path: layer.scaling["default"] for path, layer in starts.lora_layers(student.peft)}
    assert {scale for path, scale in scales.items() if path.endswith("q_proj")} == {4.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rank_pattern": {"nowhere": 8}}, "rank_pattern: no adapted layer is called nowhere."),
        ({"alpha_pattern": {"(": 8.0}}, "alpha_pattern is no regular expression"),
        ({"exclude_modules": ["q_porj"]}, "exclude_modules: no layer of the target is called q_porj."),
        ({"exclude_modules": ".*"}, "No layer is left that carries an adapter."),
        ({"layers_to_transform": [0, 7]}, "layers_to_transform: the model has no block 7."),
        ({"modules_to_save": ["haed"]}, "modules_to_save: no module of the model is called haed."),
        ({"init_lora_weights": "pissa", "lora_r": 40}, "pissa takes a rank of at most 32 here"),
        ({"init_lora_weights": "orthogonal", "lora_r": 3}, "orthogonal takes an even rank"),
        ({"init_lora_weights": "loftq"}, "loftq makes up for what a 4-bit base has lost"),
    ],
)
def test_what_peft_would_pass_over_in_silence_is_refused(start: Start, changes: Any, said: str) -> None:
    end = start(**changes).end
    assert isinstance(end, ev.Failed)
    assert said in end.what
    assert end.do


def test_blocks_and_names_that_are_left_out_carry_nothing(start: Start) -> None:
    run = start(layers_to_transform=[1], exclude_modules=["down_proj"], max_steps=2)
    assert run.of(ev.Planned)[0].layers == 6
    assert all(".layers.1." in name and "down_proj" not in name for name in run.weights())


def test_dora_learns_lengths_and_plain_peft_opens_it(start: Start, llama: Path) -> None:
    run = start(use_dora=True)
    assert isinstance(run.end, ev.Finished), run.end
    assert any("lora_magnitude_vector" in name for name in run.weights())
    learnt = PeftModel.from_pretrained(_plain(llama), str(run.job.adapter))
    assert not torch.allclose(_logits(learnt), _logits(_plain(llama)))


@pytest.mark.parametrize("tied", [False, True])
def test_modules_learn_whole_and_tied_ones_stay_one(
    start: Start, llama: Path, gpt2: Path, tied: bool
) -> None:
    model, name = (gpt2, "wte") if tied else (llama, "lm_head")
    run = start(model=str(model), modules_to_save=[name], learning_rate=5e-3)
    assert isinstance(run.end, ev.Finished), run.end
    assert any(part.shape == (320, 32) for part in run.weights().values())
    opened = PeftModel.from_pretrained(_plain(model), str(run.job.adapter))
    assert not torch.allclose(_logits(opened), _logits(_plain(model)), atol=1e-2)
    if tied:
        assert torch.equal(opened.get_output_embeddings().weight, opened.get_input_embeddings().weight)
        merged = opened.merge_and_unload()
        assert torch.equal(merged.get_output_embeddings().weight, merged.get_input_embeddings().weight)


def test_lora_plus_gives_b_its_own_rate(job: Make, start: Start) -> None:
    student = _student(job(loraplus_lr_ratio=16.0))
    groups = {group.scale: len(group.parameters) for group in groups_of(student.peft, job().recipe)}
    assert groups == {1.0: 28}
    groups = {
        group.scale: len(group.parameters)
        for group in groups_of(student.peft, job(loraplus_lr_ratio=16.0).recipe)
    }
    assert groups == {1.0: 14, 16.0: 14}
    fast = start("fast", loraplus_lr_ratio=16.0, learning_rate=1e-4, max_steps=2)
    slow = start("slow", learning_rate=1e-4, max_steps=2)
    b = [name for name in slow.weights() if "lora_B" in name]
    ratio = [float(fast.weights()[name].abs().mean() / slow.weights()[name].abs().mean()) for name in b]
    assert all(12 < one < 20 for one in ratio)


def test_embedding_noise_is_there_in_training_alone_and_outlives_a_resume(job: Make, start: Start) -> None:
    student = _student(job(neftune_noise_alpha=5.0))
    clean = _logits(student.peft)
    torch.testing.assert_close(clean, _logits(student.peft))
    student.peft.train()
    mask = torch.ones_like(IDS)
    assert not torch.allclose(student.peft(input_ids=IDS, attention_mask=mask).logits, clean)

    whole = start("whole", neftune_noise_alpha=5.0)
    start("broken", (3, "interrupt"), neftune_noise_alpha=5.0)
    again = start("broken", neftune_noise_alpha=5.0)
    _same(whole, again)


def _same(one: Run, other: Run) -> None:
    assert one.weights().keys() == other.weights().keys()
    for name, tensor in one.weights().items():
        assert torch.equal(tensor, other.weights()[name]), name


@pytest.mark.parametrize("start", ["default", "pissa", "olora", "eva", "loftq"])
def test_a_base_in_4_bits_has_every_start_and_stays_as_it_was(
    job: Make, llama: Path, start: str, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes")
    four = {"load_in_4bit": True, "init_lora_weights": start}
    before = _logits(_student(job("plain", load_in_4bit=True)).peft)
    student = _student(job(**four))
    begun = _logits(student.peft)
    whole = _logits(_plain(llama))
    if start == "loftq":  # nearer to the model that was quantised
        assert (begun - whole).square().mean() < (before - whole).square().mean()
    else:
        torch.testing.assert_close(begun, before, rtol=1e-4, atol=1e-4)
    folder = _written(_moved(student), tmp_path / "adapter")
    again = _student(job("again", load_in_4bit=True, adapter=str(folder)))
    torch.testing.assert_close(_logits(again.peft), _logits(student.peft), rtol=1e-3, atol=1e-3)
