"""A method is held against the rate, the fields and the model that it is to work with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.preflight.conftest import Check, only
from tests.engine.preflight.making import llama_tensors, write_weights


@pytest.mark.parametrize("method", ["vera", "ia3", "prompt", "prefix"])
def test_a_rate_of_lora_is_low_for_what_is_smaller(check: Check, method: str) -> None:
    finding = only(check(method=method, learning_rate=2e-4), "hyperparameter")
    assert finding.title == f"A learning rate of 2e-4 is low for {method}"
    assert finding.patch is not None
    assert check(method=method, **finding.patch.recipe).findings == []


def test_a_rate_of_lora_is_high_where_everything_learns(check: Check, folder: Path) -> None:
    large = llama_tensors() | {"lm_head.weight": (8_000_000, 8)}
    write_weights(folder / "model" / "model.safetensors", large)
    found = check(method="full").findings
    assert "A learning rate of 2e-4 is high for full fine-tuning" in [finding.title for finding in found]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"method": "ia3", "learning_rate": 3e-3, "lora_r": 8}, "lora_r"),
        ({"method": "prompt", "learning_rate": 3e-2, "target_modules": ["q_proj"]}, "target_modules"),
        ({"num_virtual_tokens": 8}, "num_virtual_tokens"),
    ],
)
def test_a_field_that_the_method_does_not_know_is_told_of(
    check: Check, fields: dict[str, Any], field: str
) -> None:
    finding = only(check(**fields), "hyperparameter")
    assert finding.severity == "note"
    assert finding.title.startswith(f"{field} does nothing")
    assert finding.patch is not None
    assert check(**(fields | finding.patch.recipe)).findings == []


def test_biases_that_are_not_there(check: Check) -> None:
    finding = only(check(method="bitfit", learning_rate=1e-3), "no_trainable_params_or_grad")
    assert finding.severity == "blocker"
    assert finding.patch is not None
    assert finding.patch.recipe["method"] == "ia3"


def test_a_window_that_does_not_reach_what_is_learnt(check: Check, folder: Path) -> None:
    config = json.loads((folder / "model" / "config.json").read_text())
    (folder / "model" / "config.json").write_text(json.dumps(config | {"sliding_window": 32}))
    finding = only(check(method="prefix", learning_rate=1e-2), "rank_sufficiency")
    assert finding.severity == "warning"
    assert check(method="lora").findings == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"layers_to_transform": [99]}, "layers_to_transform: the model has no block 99."),
        ({"exclude_modules": ["nothing"]}, "exclude_modules: no layer of the target is called nothing."),
        ({"rank_pattern": {"nothing": 4}}, "rank_pattern: no adapted layer is called nothing."),
    ],
)
def test_blocks_and_patterns_are_held_against_the_model(check: Check, fields: Any, said: str) -> None:
    finding = only(check(**fields), "target_modules_not_found")
    assert (finding.severity, finding.title) == ("blocker", said)
    assert finding.patch is not None
    assert check(**(fields | finding.patch.recipe)).findings == []
