"""What a check says of layers, from the heads of files alone, is what training finds in the loaded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, PreTrainedModel

from engine.data.refusal import Refusal
from engine.json_file import read_object
from engine.model.choice import Choice, Layers, chosen
from engine.model.layers import layers_in, named_as_in_files, tensors_of
from engine.train.methods.targets import layers_of
from tests.engine.train.zoo import ZOO, small_config

KINDS = sorted({kind for kind, _ in ZOO.values()} | {"gpt_bigcode", "gptj", "codegen", "gpt_neo"})
EXPERTS = [
    "mixtral",
    "qwen2_moe",
    "qwen3_moe",
    "deepseek_v2",
    "deepseek_v3",
    "olmoe",
    "gpt_oss",
    "granitemoe",
]
WANTED: list[str | list[str]] = [
    "all-linear", "attention", ["q_proj", "v_proj"], ["c_attn"], ["query_key_value", "dense"], ["lm_head"],
    ["q_proj", "k_porj"], ["fc1", "fc2"], ["gate"], ["embed_tokens"], ["out_proj", "o_proj"], ["up_proj"],
    r".*\.[01]\..*(q_proj|c_attn|query_key_value)", ".*nothing", "(", "down_proj",
]  # fmt: skip


def model_of(kind: str) -> PreTrainedModel:
    sizes = {"num_local_experts": 2, "num_experts": 2, "n_routed_experts": 4, "num_experts_per_tok": 1,
             "first_k_dense_replace": 1, "moe_intermediate_size": 16, "n_group": 1, "topk_group": 1,
             "kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4,
             "v_head_dim": 8}  # fmt: skip
    config = small_config(kind)
    if kind in EXPERTS:
        for name, value in sizes.items():
            if hasattr(config, name):
                setattr(config, name, value)
    return AutoModelForCausalLM.from_config(config)


@pytest.fixture(scope="module", params=[*KINDS, *EXPERTS])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Layers[Any], Layers[Any]]:
    folder = tmp_path_factory.mktemp(request.param)
    model = model_of(request.param)
    model.save_pretrained(folder)
    kind = read_object(folder / "config.json")["model_type"]
    assert named_as_in_files(kind)
    return layers_in(kind, tensors_of(folder)), layers_of(model)


def test_the_layers_are_the_same(both: tuple[Layers[Any], Layers[Any]]) -> None:
    seen, loaded = both
    assert set(seen.inside) == set(loaded.inside)
    assert set(seen.outside) == set(loaded.outside)
    assert seen.experts == loaded.experts
    for path, shape in seen.inside.items():
        weight = loaded.inside[path].weight
        turned = weight.shape[::-1] if type(loaded.inside[path]).__name__ == "Conv1D" else weight.shape
        assert shape == tuple(turned), path


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_every_wish_is_taken_or_refused_alike(
    both: tuple[Layers[Any], Layers[Any]], wanted: str | list[str]
) -> None:
    assert said(both[0], wanted) == said(both[1], wanted)


def said(layers: Layers[Any], wanted: str | list[str]) -> object:
    try:
        choice: Choice[Any] = chosen(layers, wanted)
    except Refusal as refusal:
        return refusal.what, refusal.why, refusal.do
    return choice.names, sorted(choice.layers), choice.exclude, choice.note


def test_the_folder_says_it_too(tmp_path: Path) -> None:
    """Files of older programs leave the model's outermost name out; the ends of the paths are the same."""
    model_of("gpt2").base_model.save_pretrained(tmp_path)
    seen = layers_in("gpt2", tensors_of(tmp_path))
    assert chosen(seen, "all-linear").names == ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]
    assert len(chosen(seen, ["attn.c_attn"]).layers) == 2
