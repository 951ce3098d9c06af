"""Where the adapter goes: by architecture, by name, and on from another adapter."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from engine import events as ev
from engine.model.architectures import ARCHITECTURES
from engine.train.methods.targets import chosen_targets
from tests.engine.train.conftest import Start
from tests.engine.train.zoo import small_config


def test_attention_is_the_attention_of_the_architecture(start: Start, gpt2: Path) -> None:
    run = start(model=str(gpt2), target_modules="attention", max_steps=2)
    [plan] = run.of(ev.Planned)
    assert plan.targets == ["attn.c_attn", "attn.c_proj"]
    assert plan.layers == 4
    assert {name.split(".lora_")[0].rpartition("transformer.")[2] for name in run.weights()} == {
        f"h.{layer}.attn.{part}" for layer in range(2) for part in ("c_attn", "c_proj")
    }


def test_the_choice_is_told_and_transposed_layers_are_no_surprise(start: Start, gpt2: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*fan_in_fan_out.*")
        run = start(model=str(gpt2), max_steps=2)
    told = [event.text for event in run.of(ev.Log)]
    assert "adapter of rank 4 on 8 layers: attn.c_attn, attn.c_proj, mlp.c_fc, mlp.c_proj" in told
    assert json.loads((run.job.adapter / "adapter_config.json").read_text())["fan_in_fan_out"]


def test_an_unknown_architecture_takes_every_layer_but_the_head_and_says_so(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ARCHITECTURES, "llama")
    run = start(max_steps=2)
    [plan] = run.of(ev.Planned)
    assert plan.targets == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    assert any("llama is not in the table" in event.text for event in run.of(ev.Log))

    asked = start("asked", target_modules="attention", max_steps=2)
    assert isinstance(asked.end, ev.Failed)
    assert "q_proj" in asked.end.why
    assert asked.end.findings[-1].category == "target_modules_not_found"


def test_experts_that_carry_no_adapter_are_told_of(start: Start, tmp_path: Path, llama: Path) -> None:
    folder = tmp_path / "experts"
    AutoModelForCausalLM.from_config(small_config("mixtral")).save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(llama / file, folder / file)
    run = start(model=str(folder), max_steps=3)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.of(ev.Planned)[0].targets == ["k_proj", "o_proj", "q_proj", "v_proj"]
    assert any("experts" in event.text for event in run.of(ev.Log))


def test_a_model_that_is_built_otherwise_than_the_table_says_still_learns(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ARCHITECTURES, "llama", ARCHITECTURES["phi3"])
    run = start(max_steps=2)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.of(ev.Planned)[0].layers == 14


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES.keys() - {"gemma3"}))
def test_the_table_names_every_projection_of_an_architecture(kind: str) -> None:
    """A stale name would make it an unknown architecture; one left out, a layer that cannot learn."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(small_config(kind))
    targets = chosen_targets(model, "all-linear")
    assert not targets.note
    assert targets.exclude is None
    linear = [p for p, m in model.named_modules() if isinstance(m, torch.nn.Linear | Conv1D)]
    blocks = [path for path in linear if any(part.isdigit() for part in path.split("."))]
    assert targets.layers == len(blocks)


def test_a_head_that_shares_its_name_with_a_layer_stays_bare(gpt2: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(gpt2)
    model.config.model_type = "unheard-of"
    model.transformer.h[0].lm_head = torch.nn.Linear(32, 2)
    targets = chosen_targets(model, "all-linear")
    assert (targets.layers, targets.exclude) == (9, "lm_head")


@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "v_proj"]])
def test_what_no_text_reaches_carries_no_adapter(
    start: Start, tmp_path: Path, tokenizer_files: dict[str, str], targets: str | list[str]
) -> None:
    """A Gemma 3 that also sees has a q_proj in its eye, which would learn nothing."""
    text = {
        "vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
        "head_dim": 16, "intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 128,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    folder = tmp_path / "seeing"
    config = AutoConfig.for_model("gemma3", text_config=text, vision_config=vision)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    for file, content in tokenizer_files.items():
        (folder / file).write_text(content)
    run = start(model=str(folder), max_steps=4, target_modules=targets)
    assert isinstance(run.end, ev.Finished), run.end
    assert not [f for f in run.end.findings if f.category == "no_trainable_params_or_grad"]
    assert all("language_model" in name for name in run.weights())
    assert run.of(ev.Planned)[0].layers == 2 * (7 if targets == "all-linear" else 2)
    assert start("next", model=str(folder), max_steps=2, adapter=str(run.job.adapter)).end.adapter


def test_the_rank_and_the_targets_of_the_adapter_win(start: Start) -> None:
    first = start("first", target_modules=["q_proj", "v_proj"], max_steps=4)
    second = start("second", adapter=str(first.job.adapter), lora_r=8, target_modules=["k_proj"], max_steps=2)
    [plan] = second.of(ev.Planned)
    assert (plan.rank, plan.targets, plan.layers) == (4, ["q_proj", "v_proj"], 4)
    [note] = [f for f in second.end.findings if f.category == "hyperparameter"]
    assert note.severity == "note"
    assert note.evidence == ["lora_r 8 in the recipe, 4 in the adapter", "target_modules"]


def test_a_resumed_run_that_went_on_from_an_adapter_equals_the_unbroken_one(start: Start) -> None:
    first = start("first", max_steps=4)
    whole = start("whole", adapter=str(first.job.adapter), max_steps=6)
    start("broken", (3, "interrupt"), adapter=str(first.job.adapter), max_steps=6)
    shutil.rmtree(first.job.adapter)
    again = start("broken", adapter=str(first.job.adapter), max_steps=6)
    assert again.of(ev.Resumed)
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, again.weights()[name]), name


def test_a_run_that_changes_nothing_of_its_adapter_is_refused(start: Start) -> None:
    first = start("first", max_steps=4)
    end = start("second", adapter=str(first.job.adapter), learning_rate=0.0, max_steps=2).end
    assert isinstance(end, ev.Failed)
    assert end.findings[-1].category == "no_trainable_params_or_grad"


def test_a_moved_base_model_is_a_warning(start: Start, llama: Path, tmp_path: Path) -> None:
    first = start("first", max_steps=2)
    moved = tmp_path / "moved"
    shutil.copytree(llama, moved)
    second = start("second", model=str(moved), adapter=str(first.job.adapter), max_steps=2)
    assert isinstance(second.end, ev.Finished), second.end
    [finding] = [f for f in second.end.findings if f.category == "merge_mismatch"]
    assert finding.severity == "warning"
    assert finding.evidence == [f"adapter: {llama}", f"recipe: {moved}"]


@pytest.mark.parametrize("change", ["other architecture", "a layer more"])
def test_an_adapter_of_another_model_is_refused(
    start: Start, llama: Path, gpt2: Path, tmp_path: Path, change: str
) -> None:
    first = start("first", max_steps=2)
    other = gpt2
    if change == "a layer more":
        other = tmp_path / "deeper"
        config = AutoConfig.from_pretrained(llama, num_hidden_layers=3)
        AutoModelForCausalLM.from_config(config).save_pretrained(other)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(llama / file, other / file)
    end = start("second", model=str(other), adapter=str(first.job.adapter)).end
    assert isinstance(end, ev.Failed)
    assert end.findings[-1].category in ("merge_mismatch", "target_modules_not_found")
    assert end.do


def test_a_tokenizer_without_special_tokens_is_no_harm(start: Start, gpt2: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(gpt2, bare)
    tokenizer = json.loads((bare / "tokenizer.json").read_text()) | {"post_processor": None}
    (bare / "tokenizer.json").write_text(json.dumps(tokenizer))
    (bare / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    for file in ("config.json", "generation_config.json"):
        values = json.loads((bare / file).read_text()) | {"bos_token_id": None, "eos_token_id": None}
        (bare / file).write_text(json.dumps(values))
    run = start(model=str(bare), max_steps=4, sample_steps=2)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses[-1] < run.losses[0]


def test_dropout_of_the_model_itself_outlives_a_resume(start: Start, gpt2: Path, tmp_path: Path) -> None:
    wet = tmp_path / "wet"
    shutil.copytree(gpt2, wet)
    config = json.loads((wet / "config.json").read_text())
    (wet / "config.json").write_text(json.dumps(config | {"resid_pdrop": 0.3, "embd_pdrop": 0.3}))
    whole = start("whole", model=str(wet), max_steps=6)
    assert whole.losses != start("dry", model=str(gpt2), max_steps=6).losses
    start("broken", (3, "interrupt"), model=str(wet), max_steps=6)
    again = start("broken", model=str(wet), max_steps=6)
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, again.weights()[name]), name
