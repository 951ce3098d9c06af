"""Rare classes, contradictory labels, and questions that a random hold-out would share with training."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.inspect import Inspection
from engine.findings import Finding
from openlora_tui.cli.main import main


def found(folder: Path, rows: list[Any]) -> dict[str, Finding]:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inspection = Inspection([file])
    list(inspection.steps())
    return {finding.check: finding for finding in inspection.report().findings(64)}


def labelled(*labels: str) -> list[dict[str, str]]:
    return [{"prompt": f"text number {n}", "completion": label} for n, label in enumerate(labels)]


def test_a_rare_class_is_told_with_shares_and_entropy(tmp_path: Path) -> None:
    finding = found(tmp_path, labelled(*["good"] * 60, *["bad"] * 50, *["odd"] * 2))["imbalance"]
    assert (finding.severity, finding.count) == ("warning", 2)
    assert finding.title == "1 of 3 classes is rare"
    assert finding.evidence == [
        "the most common: 53.6% good, 44.6% bad, 1.8% odd",
        "entropy 1.11 bits, 1.58 if all were as common",
    ]
    assert finding.patch is not None
    assert finding.patch.data == ["rebalance=completion"]


@pytest.mark.parametrize(
    "labels",
    [
        ["good"] * 60 + ["bad"] * 20,
        [f"an answer of its own, {n}" for n in range(60)],
        ["yes"] * 60,
        ["a"] * 10 + ["b"],
    ],
)
def test_classes_that_are_common_enough_and_answers_that_are_no_classes(
    tmp_path: Path, labels: list[str]
) -> None:
    assert "imbalance" not in found(tmp_path, labelled(*labels))


def test_one_text_with_two_labels_is_a_conflict_that_can_be_dropped(tmp_path: Path) -> None:
    rows = labelled(*["good", "bad"] * 20)
    rows += [rows[0], rows[2] | {"completion": "bad"}]
    said = found(tmp_path, rows)
    assert said["conflict"].severity == "warning"
    path = tmp_path / "rows.jsonl"
    assert said["conflict"].evidence == [f"{path}:3 good · {path}:42 bad"]
    new = tmp_path / "new.jsonl"
    assert main(["inspect", str(path), "--apply", "drop=conflict", "-o", str(new)]) == 0
    left = [json.loads(line) for line in new.read_text().splitlines()]
    assert left == [row for row in rows if row["prompt"] != rows[2]["prompt"]]


def test_several_right_answers_are_a_note_about_holding_out(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {n}?", "answer": f"It may be said in many words, {n} {m}"}
        for n in range(20)
        for m in range(2)
    ]
    finding = found(tmp_path, rows)["asked_twice"]
    assert (finding.severity, finding.count, finding.category) == ("note", 40, "leakage")
    assert finding.patch is not None
    assert finding.patch.data == ["resplit=question:0.05"]


def test_what_every_row_asks_is_no_question(tmp_path: Path) -> None:
    rows = [{"prompt": "Write a story.", "completion": f"Once, {n} foxes met."} for n in range(40)]
    assert "asked_twice" not in found(tmp_path, rows)


@pytest.mark.parametrize("name", ["gsm8k/train.jsonl", "gsm8k/test.jsonl", "banking77/train.csv"])
def test_sound_data_has_no_findings(shared: Path, name: str) -> None:
    inspection = Inspection([shared / "data" / name])
    list(inspection.steps())
    checks = {finding.check for finding in inspection.report().findings(1024)}
    assert not checks & {"imbalance", "conflict", "asked_twice"}


@settings(deadline=None, max_examples=15)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("xyz")), max_size=40),
    seed=st.integers(0, 9),
)
def test_conflicts_are_those_that_counting_finds_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("prompts")
    answers: dict[str, set[str]] = {}
    for prompt, answer in rows:
        answers.setdefault(prompt, set()).add(answer)
    asked = Counter(prompt for prompt, _ in rows)
    expected = sum(n for prompt, n in asked.items() if len(answers[prompt]) > 1 and n <= 10)
    random.Random(seed).shuffle(rows)
    said = found(folder, [{"prompt": prompt, "completion": answer} for prompt, answer in rows])
    labels = len(rows) >= 20 and 2 <= len({answer for _, answer in rows}) <= 0.2 * len(rows)
    finding = said.get("conflict" if labels else "asked_twice")
    assert (finding.count if finding else 0) == expected
