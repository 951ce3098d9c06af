"""What stands in the way of a run is found before it starts, each with what would mend it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.messages import Gpu
from engine.preflight import check as module
from engine.preflight import device
from engine.preflight.check import Preflight
from engine.problem import Problem
from engine.recipe import RecipeFile
from tests.engine.preflight.conftest import Check, only, write_rows
from tests.engine.preflight.making import llama_tensors, model, write_tokenizer, write_weights

CARD = Gpu(index=0, name="Tesla T4", uuid="GPU-1", used=0, total=16 << 30)


def configured(folder: Path, **changes: Any) -> None:
    path = folder / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_good_recipe_has_no_finding_at_all(check: Check) -> None:
    verdict = check()
    assert verdict.findings == []
    assert verdict.sampled is None
    assert any("380 rows" in fact for fact in verdict.facts)
    assert any("14 layers: 4,096 parameters" in fact for fact in verdict.facts)


# --- targets ---


def test_each_target_that_matches_nothing_is_a_blocker_and_one_patch_mends_all(check: Check) -> None:
    verdict = check(target_modules=["q_proj", "k_porj", "query_key_value", "embed_tokens"])
    assert len(verdict.blockers) == 3
    assert [finding.title for finding in verdict.blockers] == [
        f"No layer of the model is called {name}." for name in ("k_porj", "query_key_value", "embed_tokens")
    ]
    assert "Did you mean k_proj?" in verdict.blockers[0].remedy
    assert "an embedding" in verdict.blockers[2].cause
    for finding in verdict.blockers:
        assert finding.category == "target_modules_not_found"
        assert finding.patch is not None
        assert "down_proj 2" in finding.evidence[0]
        mended = check(**finding.patch.recipe)
        assert mended.blockers == []


@pytest.mark.parametrize(
    "wanted", ["all-linear", "attention", r".*\.[01]\.self_attn\..*", ["self_attn.q_proj"]]
)
def test_groups_expressions_and_ends_of_paths_are_names_too(check: Check, wanted: object) -> None:
    assert check(target_modules=wanted).findings == []


@pytest.mark.parametrize("wanted", ["(", ".*nothing", "q_porj"])
def test_an_expression_that_matches_nothing_is_a_blocker(check: Check, wanted: str) -> None:
    assert only(check(target_modules=wanted), "target_modules_not_found").severity == "blocker"


def test_a_tied_head_is_warned_of_and_an_own_one_is_not(check: Check, folder: Path) -> None:
    assert check(target_modules=["q_proj", "lm_head"]).findings == []
    configured(folder, tie_word_embeddings=True)
    finding = only(check(target_modules=["q_proj", "lm_head"]), "merge_mismatch")
    assert finding.patch is not None
    assert finding.patch.recipe == {"target_modules": ["q_proj"]}


def test_fused_projections_are_named_and_separate_names_lead_to_them(check: Check, folder: Path) -> None:
    names = {
        f"transformer.h.0.{name}.weight": (8, 24)
        for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    model(
        folder / "model", {"transformer.wte.weight": (259, 8), **names}, model_type="gpt2", n_positions=4096
    )
    assert only(check(), "rank_sufficiency").severity == "note"
    finding = only(check(target_modules=["q_proj"]), "target_modules_not_found")
    assert finding.patch is not None
    assert "attn.c_attn" in finding.patch.recipe["target_modules"]


def test_experts_carry_no_adapter(check: Check, folder: Path) -> None:
    experts = {f"model.layers.0.block_sparse_moe.experts.{n}.w1.weight": (16, 8) for n in range(2)}
    gate = {"model.layers.0.block_sparse_moe.gate.weight": (2, 8)}
    model(folder / "model", llama_tensors() | experts | gate, model_type="mixtral")
    assert "experts" in only(check(), "rank_sufficiency").title
    finding = only(check(target_modules=["w1"]), "target_modules_not_found")
    assert "experts" in finding.cause


def test_of_an_architecture_that_may_be_renamed_it_is_a_warning(check: Check, folder: Path) -> None:
    configured(folder, model_type="phimoe")
    finding = only(check(target_modules=["router"]), "target_modules_not_found")
    assert finding.severity == "warning"
    assert finding.confidence < 1


# --- the model's folder ---


def test_a_model_made_for_fewer_tokens(check: Check, folder: Path) -> None:
    configured(folder, max_position_embeddings=128)
    finding = only(check(max_length=1024), "truncation")
    assert finding.patch is not None
    assert finding.patch.recipe == {"max_length": 128}
    configured(
        folder, rope_scaling={"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 128}
    )
    assert check(max_length=1024).findings == []
    configured(
        folder, rope_scaling={"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 16}
    )
    assert only(check(max_length=1024), "truncation").severity == "note"


def test_a_part_of_the_weights_that_is_not_there(check: Check, folder: Path) -> None:
    weights = folder / "model" / "model.safetensors"
    weights.rename(folder / "model" / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model" / "model.safetensors.index.json").write_text(json.dumps(index))
    [finding] = check().blockers
    assert "model-00002-of-00002.safetensors" in finding.evidence[0]


def test_weights_that_are_cut_off(check: Check, folder: Path) -> None:
    weights = folder / "model" / "model.safetensors"
    os.truncate(weights, weights.stat().st_size - 100)
    [finding] = check().blockers
    assert "should have" in finding.cause


def test_pickled_weights_cannot_be_looked_into(check: Check, folder: Path) -> None:
    (folder / "model" / "model.safetensors").rename(folder / "model" / "pytorch_model.bin")
    verdict = check(target_modules=["nonsense"])
    assert verdict.blockers == []
    assert only(verdict, "other").severity == "note"


def test_a_model_that_is_no_causal_language_model(check: Check, folder: Path) -> None:
    configured(folder, architectures=["T5ForConditionalGeneration"], model_type="t5", is_encoder_decoder=True)
    [finding] = check().blockers
    assert "no causal language model" in finding.title


def test_a_kind_that_transformers_does_not_know(check: Check, folder: Path) -> None:
    configured(folder, model_type="brand_new_kind")
    [finding] = check().blockers
    assert finding.category == "dependency_version"
    assert "brand_new_kind" in finding.evidence[0]


def test_code_of_the_models_own_does_not_run_unless_it_is_trusted(check: Check, folder: Path) -> None:
    configured(folder, model_type="own", auto_map={"AutoModelForCausalLM": "own.Own"})
    (folder / "model" / "own.py").write_text("print('hello')\n")
    [finding] = check().blockers
    assert finding.patch is None, "trust is not one key away"
    words = finding.remedy.partition("trust_remote_code: ")[2]
    assert check(trust_remote_code=words).blockers == []


@pytest.mark.parametrize(
    ("method", "severity"), [("gptq", "blocker"), ("awq", "blocker"), ("fp8", "warning")]
)
def test_quantised_weights(check: Check, folder: Path, method: str, severity: str) -> None:
    configured(folder, quantization_config={"quant_method": method, "bits": 4})
    assert only(check(), "quantization_backend").severity == severity


def test_a_base_model_has_no_chat_template_and_that_is_a_note(check: Check, folder: Path) -> None:
    write_tokenizer(folder / "model", template=False)
    rows = [{"instruction": f"What is {i}?", "output": f"It is number {i}, as I said."} for i in range(400)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert only(check(), "template_or_special_tokens").severity == "note"


def test_a_model_that_is_not_here(check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    assert only(check(model="someone/something"), "hub_auth_or_gated").severity == "note"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert only(check(model="someone/something"), "hub_auth_or_gated").severity == "blocker"


# --- the adapter to start from ---


def adapter(folder: Path, layers: dict[str, tuple[int, int]], **config: Any) -> str:
    target = folder / "adapter"
    target.mkdir()
    settings = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]} | config
    (target / "adapter_config.json").write_text(json.dumps(settings))
    tensors: dict[str, tuple[int, ...]] = {}
    for layer, (rows, columns) in layers.items():
        tensors |= {f"base_model.model.{layer}.lora_A.weight": (4, columns),
                    f"base_model.model.{layer}.lora_B.weight": (rows, 4)}  # fmt: skip
    write_weights(target / "adapter_model.safetensors", tensors)
    return "./adapter"


def test_an_adapter_of_another_model_is_a_blocker(check: Check, folder: Path) -> None:
    start = adapter(folder, {"model.layers.0.self_attn.q_proj": (64, 64)})
    assert only(check(adapter=start), "merge_mismatch").severity == "blocker"


def test_an_adapters_own_settings_count(check: Check, folder: Path) -> None:
    start = adapter(
        folder, {"model.layers.0.self_attn.q_proj": (8, 8)}, base_model_name_or_path=str(folder / "model")
    )
    assert check(adapter=start).findings == []
    assert "lora_r 64" in only(check(adapter=start, lora_r=64), "hyperparameter").evidence[0]


# --- data ---


def test_rows_are_judged_as_training_would_cut_them(check: Check) -> None:
    finding = only(check(max_length=64), "truncation")
    assert finding.patch is not None
    assert "answer tokens" in finding.evidence[0]


def test_evaluation_data_is_looked_at_too(check: Check, folder: Path) -> None:
    (folder / "held.jsonl").write_text('{"prompt": "Who?", "completion": "{{name}} of course"}\n' * 3)
    finding = only(check(eval_data="./held.jsonl"), "placeholder")
    assert finding.title.startswith("eval_data: ")


def test_evaluation_rows_that_are_trained_on_are_told_once(check: Check, folder: Path) -> None:
    rows = (folder / "rows.jsonl").read_text().splitlines()
    (folder / "held.jsonl").write_text("\n".join(rows[:3]) + "\n")
    leaks = [finding for finding in check(eval_data="./held.jsonl").findings if finding.category == "leakage"]
    assert [finding.title for finding in leaks] == [
        "3 of 3 evaluation rows are word for word in the training data"
    ]


def test_a_broken_line_is_a_blocker_with_its_place(check: Check, folder: Path) -> None:
    with (folder / "rows.jsonl").open("a") as file:
        file.write("{nonsense\n")
    [finding] = check().blockers
    assert f"{folder / 'rows.jsonl'}:401" in [*finding.evidence, *finding.places]


def test_a_short_look_says_that_it_was_one(recipe: Callable[..., RecipeFile], folder: Path) -> None:
    write_rows(folder / "rows.jsonl", 60_000)
    preflight = Preflight(recipe())
    for _ in preflight.steps(seconds=0.0):
        pass
    verdict = preflight.verdict()
    assert verdict.sampled is not None
    assert 0 < verdict.sampled < 60_000
    assert verdict.document()["sampled"] == verdict.sampled
    assert any("--full" in finding.remedy for finding in verdict.findings)


# --- the disk ---


def test_an_output_folder_that_is_a_file(check: Check, folder: Path) -> None:
    (folder / "out").write_text("x")
    finding = only(check(output_dir="./out"), "save_or_disk")
    assert finding.severity == "blocker"
    assert finding.patch is not None
    assert check(output_dir=finding.patch.recipe["output_dir"]).findings == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_cannot_be_written(check: Check, folder: Path) -> None:
    (folder / "out").mkdir(mode=0o500)
    assert only(check(output_dir="./out/here"), "save_or_disk").severity == "blocker"


def test_a_disk_without_room_for_every_checkpoint(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.room.free", lambda folder: 200_000)
    finding = only(check(save_steps=10), "save_or_disk")
    assert finding.severity == "blocker"
    assert "4 checkpoints" in finding.cause


# --- devices ---


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpus", lambda: [CARD])
    monkeypatch.setattr(device, "capability", lambda index: (7, 5))
    monkeypatch.setattr(device.packages, "version_of", lambda name: "2.9.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_device_that_is_not_there(check: Check) -> None:
    finding = only(check(devices=7), "cuda_driver_or_arch")
    assert finding.severity == "blocker"
    assert finding.patch is not None
    assert finding.patch.recipe == {"devices": "auto"}


@pytest.mark.usefixtures("card")
def test_a_precision_that_the_card_cannot_do(check: Check, folder: Path) -> None:
    finding = only(check(mixed_precision="bf16"), "bf16_unsupported")
    assert finding.severity == "blocker"
    assert finding.patch is not None
    assert only(check(**finding.patch.recipe), "bf16_unsupported").severity == "note"
    configured(folder, dtype="bfloat16")
    assert only(check(mixed_precision="fp16"), "nan_or_inf").severity == "warning"


@pytest.mark.usefixtures("card")
def test_the_cpu_beside_a_card(check: Check) -> None:
    finding = only(check(devices="cpu"), "hang_or_slow")
    assert finding.patch is not None
    assert finding.patch.recipe == {"devices": "auto"}


@pytest.mark.usefixtures("card")
def test_weights_that_the_card_cannot_hold(check: Check, folder: Path) -> None:
    large = llama_tensors() | {"lm_head.weight": (1_000_000_000, 8)}
    write_weights(folder / "model" / "model.safetensors", large, "BF16")
    assert only(check(learning_rate=1e-4), "oom").severity == "blocker"


# --- what it is not ---


def test_a_file_that_is_not_there_is_wrong_input(recipe: Callable[..., RecipeFile], folder: Path) -> None:
    for name in ("rows.jsonl", "model"):
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink()
        with pytest.raises(Problem):
            Preflight(recipe())
        write_rows(folder / "rows.jsonl")


def test_what_needs_no_rows_is_known_without_them(recipe: Callable[..., RecipeFile]) -> None:
    verdict = Preflight(recipe(target_modules=["k_porj"], devices=9)).verdict()
    assert {finding.category for finding in verdict.blockers} == {
        "target_modules_not_found",
        "cuda_driver_or_arch",
    }


def test_a_broken_line_that_the_recipe_drops_stops_nothing(check: Check, folder: Path) -> None:
    with (folder / "rows.jsonl").open("a") as file:
        file.write("{nonsense\n")
    [finding] = check().blockers
    assert finding.patch is not None
    assert finding.patch.recipe == {"bad_rows": "drop"}
    mended = check(**finding.patch.recipe)
    assert mended.blockers == []
    assert only(mended, finding.category).severity == "warning"
