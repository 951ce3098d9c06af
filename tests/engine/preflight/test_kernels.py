"""What the recipe wishes and this machine lacks is told before the run, with what the run does then."""

from __future__ import annotations

import json
from importlib.util import find_spec as found
from pathlib import Path
from typing import Any

import pytest

from engine.messages import Gpu
from engine.preflight import check as module
from engine.preflight import device, kernels
from tests.engine.preflight.conftest import Check, only
from tests.engine.preflight.making import llama_tensors, write_weights

CARD = Gpu(index=0, name="NVIDIA A10", uuid="GPU-1", used=0, total=24 << 30)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpus", lambda: [CARD])
    monkeypatch.setattr(device, "capability", lambda index: (8, 6))
    monkeypatch.setattr(device.packages, "version_of", lambda name: "2.9.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of packages that count as installed beside those that are no matter here."""
    names, special = {"bitsandbytes"}, {"bitsandbytes", "flash_attn"}

    def spec(name: str) -> object:
        return (name in names or None) if name in special else found(name)

    monkeypatch.setattr(kernels, "find_spec", spec)
    return names


@pytest.mark.parametrize("wish", [{"load_in_4bit": True}, {"load_in_8bit": True}, {"optim": "adamw_8bit"}])
def test_what_needs_bitsandbytes_where_it_is_not(
    check: Check, installed: set[str], wish: dict[str, Any]
) -> None:
    assert check(**wish).findings == []
    installed.clear()
    finding = only(check(**wish), "quantization_backend")
    assert finding.severity == "blocker"
    assert finding.patch is not None
    assert set(finding.patch.recipe) == set(wish)
    assert check(**finding.patch.recipe).findings == []


def test_paged_moments_on_a_cpu_are_a_note(check: Check, installed: set[str]) -> None:
    finding = only(check(optim="paged_adamw_8bit"), "quantization_backend")
    assert finding.severity == "note"
    assert finding.patch is not None
    assert finding.patch.recipe == {"optim": "adamw_8bit"}


@pytest.mark.usefixtures("card")
def test_paged_moments_on_a_card_are_no_finding(check: Check, installed: set[str]) -> None:
    assert check(optim="paged_adamw_8bit").findings == []


@pytest.mark.parametrize("wish", ["flash_attention_2", "flex_attention"])
def test_an_attention_kernel_that_a_cpu_has_not(check: Check, installed: set[str], wish: str) -> None:
    finding = only(check(attn_implementation=wish), "dependency_version")
    assert finding.severity == "warning"
    assert finding.patch is not None
    assert check(**finding.patch.recipe).findings == []


@pytest.mark.usefixtures("card")
def test_flash_attention_needs_its_package_and_16_bits(check: Check, installed: set[str]) -> None:
    wish = {"attn_implementation": "flash_attention_2"}
    assert "not installed" in only(check(**wish), "dependency_version").cause
    installed.add("flash_attn")
    assert check(**wish).findings == []
    assert "16 bits" in only(check(**wish, mixed_precision="no"), "dependency_version").cause


def test_a_model_that_is_quantised_in_its_files_is_not_quantised_again(
    check: Check, installed: set[str], folder: Path
) -> None:
    path = folder / "model" / "config.json"
    settings = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    told = [finding.title for finding in check(load_in_8bit=True).findings]
    assert "The model is quantised in its files already, and keeps to that" in told


@pytest.mark.usefixtures("card")
def test_weights_that_fit_in_4_bits_alone_are_so_patched(
    check: Check, installed: set[str], folder: Path
) -> None:
    large = llama_tensors() | {"model.layers.0.mlp.up_proj.weight": (2_000_000, 8_000)}
    write_weights(folder / "model" / "model.safetensors", large, "BF16")
    finding = only(check(learning_rate=1e-4), "oom")
    assert finding.severity == "blocker"
    assert finding.patch is not None
    assert finding.patch.recipe["load_in_4bit"] is True
    mended = check(learning_rate=1e-4, **finding.patch.recipe)
    assert not [f for f in mended.findings if f.category == "oom"]
    assert only(check(learning_rate=1e-4, **{**finding.patch.recipe, "bnb_4bit_use_double_quant": False,
                                             "load_in_4bit": False}), "oom")  # fmt: skip
