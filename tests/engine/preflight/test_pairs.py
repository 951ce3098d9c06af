"""What a check says of rows that are pairs, and of an objective that wants them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.preflight.conftest import Check, only
from tests.engine.preflight.making import llama_tensors, write_weights


def written(folder: Path, **more: str) -> str:
    rows = [
        {"prompt": f"What is {i} twice?", "chosen": f"It is {2 * i}.", "rejected": f"Who knows {i}."} | more
        for i in range(400)
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "./pairs.jsonl"


def test_pairs_suit_objectives_that_compare(check: Check, folder: Path) -> None:
    assert check(data=written(folder), objective="dpo", learning_rate=5e-6).findings == []
    assert check(data=written(folder), objective="orpo", learning_rate=5e-6).findings == []


def test_pairs_without_such_an_objective_are_a_blocker_with_the_patch(check: Check, folder: Path) -> None:
    finding = only(check(data=written(folder)), "dataset_format")
    assert (finding.severity, finding.patch and finding.patch.recipe) == ("blocker", {"objective": "dpo"})


def test_single_answers_do_not_suit_them(check: Check) -> None:
    finding = only(check(objective="dpo", learning_rate=5e-6), "dataset_format")
    assert (finding.severity, finding.patch and finding.patch.recipe) == ("blocker", {"objective": "sft"})


def test_pairs_with_an_empty_side_are_told(check: Check, folder: Path) -> None:
    found = check(data=written(folder, rejected=""), objective="dpo", learning_rate=5e-6).findings
    assert any("without an answer" in finding.title or "nothing" in finding.title for finding in found)


def test_the_rate_of_answers_is_high_for_pairs(check: Check, folder: Path) -> None:
    write_weights(
        folder / "model" / "model.safetensors", llama_tensors() | {"lm_head.weight": (8_000_000, 8)}
    )
    finding = only(check(data=written(folder), objective="dpo", learning_rate=2e-4), "hyperparameter")
    assert finding.patch is not None
    assert finding.patch.recipe == {"learning_rate": 5e-6}
