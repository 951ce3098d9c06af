"""Numbers that do not go together are told; those that people copy from other trainers are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.preflight.conftest import Check, only
from tests.engine.preflight.making import llama_tensors, write_weights


@pytest.mark.parametrize(
    ("fields", "category", "patched"),
    [
        ({"learning_rate": 1e-5}, "hyperparameter", "learning_rate"),
        ({"optim": "sgd"}, "hyperparameter", "learning_rate"),
        ({"lora_alpha": 1000}, "hyperparameter", "lora_alpha"),
        ({"warmup_ratio": 0.9}, "hyperparameter", "warmup_ratio"),
        ({"num_train_epochs": 30}, "overfit_memorising", "num_train_epochs"),
        ({"max_steps": 2000, "save_steps": 0}, "save_or_disk", "save_steps"),
        ({"eval_steps": 1000}, "overfit_memorising", "eval_steps"),
        ({"gradient_accumulation_steps": 40}, "hyperparameter", "gradient_accumulation_steps"),
        ({"load_best_model_at_end": True, "eval_split": 0}, "hyperparameter", "eval_split"),
    ],
)
def test_an_odd_number_is_told_and_its_patch_mends_it(
    check: Check, fields: dict[str, Any], category: str, patched: str
) -> None:
    found = [f for f in check(**fields).findings if f.category == category and f.patch is not None]
    change = next(f.patch for f in found if f.patch is not None and patched in f.patch.recipe)
    mended = check(**(fields | change.recipe)).findings
    assert not any(f.patch is not None and patched in f.patch.recipe for f in mended)


@pytest.mark.parametrize(("rows", "severity"), [(6, "warning"), (30, "note")])
def test_rows_that_are_too_few_to_learn_from(check: Check, folder: Path, rows: int, severity: str) -> None:
    lines = (folder / "rows.jsonl").read_text().splitlines()[:rows]
    (folder / "few.jsonl").write_text("\n".join(lines) + "\n")
    finding = only(check(data="./few.jsonl", eval_split=0.0), "empty_or_tiny_dataset")
    assert (finding.severity, finding.title) == (severity, f"There are only {rows} rows to learn from")


def test_what_other_programs_ship_is_not_odd(check: Check) -> None:
    """Defaults of trainers that people copy: a check that scolds them is not read."""
    shipped = [(8, 16, 5e-5), (16, 32, 2e-4), (16, 16, 2e-4), (64, 16, 2e-4), (8, 16, 3e-4), (4, 16, 1e-4),
               (8, 8, 1e-3), (256, 16, 2e-4), (8, 160, 1e-5), (64, 16, 1e-4)]  # fmt: skip
    for rank, alpha, rate in shipped[:8]:
        assert check(lora_r=rank, lora_alpha=alpha, learning_rate=rate).findings == []


def test_a_rate_that_diverges(check: Check, folder: Path) -> None:
    assert check(learning_rate=0.01).findings == [], "tiny models take such rates"
    large = llama_tensors() | {"lm_head.weight": (8_000_000, 8)}
    write_weights(folder / "model" / "model.safetensors", large)
    assert only(check(learning_rate=0.01), "loss_spike_divergence").severity == "warning"
