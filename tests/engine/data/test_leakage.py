"""Evaluation rows that the training data gives away are found, and can be dropped from it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.held import held_of
from engine.data.inspect import Inspection
from engine.findings import Finding
from openlora_tui.cli.main import main


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def leaks(data: Path, held: Path) -> dict[str, Finding]:
    inspection = Inspection([data], held=held_of([str(held)], "auto"))
    list(inspection.steps())
    report = inspection.report()
    assert report.problem is None
    found = {finding.check: finding for finding in report.findings(64) if finding.category == "leakage"}
    assert all(finding.patch for finding in found.values())
    return found


def pair(question: str, answer: str = "yes") -> dict[str, str]:
    return {"prompt": question, "completion": answer}


def words(seed: int, count: int) -> str:
    return " ".join(random.Random(seed).choices([f"word{n}" for n in range(400)], k=count))


def test_the_texts_that_banking77_shares_are_found(shared: Path) -> None:
    folder = shared / "data" / "banking77"
    finding = leaks(folder / "train.csv", folder / "test.csv")["leaked"]
    assert finding.count == 6
    assert finding.evidence[0] == f"{folder}/test.csv:556 = {folder}/train.csv:1729"


def test_sound_splits_have_no_findings(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "gsm8k"
    assert leaks(folder / "train.jsonl", folder / "test.jsonl") == {}
    data = write(tmp_path / "data.jsonl", [pair(words(n, 20)) for n in range(20)])
    assert leaks(data, write(tmp_path / "held.jsonl", [pair(words(99, 20))])) == {}


def test_each_way_of_leaking_is_told_by_its_own_sign(tmp_path: Path) -> None:
    rows = [pair(words(n, 40)) for n in range(20)]
    near = rows[3]["prompt"].upper() + "!"
    copied = words(77, 60) + " " + rows[5]["prompt"] + " " + words(78, 60)
    held = [pair(rows[1]["prompt"] + " ", "no"), pair(near, "no."), rows[5], pair(words(50, 40))]
    rows[5] = pair(copied)
    data, file = write(tmp_path / "data.jsonl", rows), write(tmp_path / "held.jsonl", held)
    found = leaks(data, file)
    assert found["leaked"].evidence == [f"{file}:1 = {data}:2"]
    assert found["near_leaked"].evidence[:2] == [f"{file}:2 ≈ {data}:4", f"{file}:3 ⊂ {data}:6"]
    assert (found["leaked"].count, found["near_leaked"].count) == (1, 2)
    assert found["leaked"].share == 1 / 4


def test_a_question_that_every_row_asks_is_no_leak(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [pair("Write a story.", words(n, 20)) for n in range(40)])
    held = write(tmp_path / "held.jsonl", [pair("Write a story.", words(n, 20)) for n in range(100, 110)])
    assert leaks(data, held) == {}


def test_leaked_rows_can_be_dropped_and_then_nothing_leaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [pair(words(n, 40)) for n in range(20)]
    held = [rows[1], pair(rows[3]["prompt"].upper(), "no"), pair(words(50, 40))]
    data, file = write(tmp_path / "data.jsonl", rows), write(tmp_path / "held.jsonl", held)
    new = tmp_path / "new.jsonl"
    asked = ["inspect", str(data), "--eval", str(file)]
    assert main([*asked, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    patches = [word for f in said["findings"] if f["category"] == "leakage" for word in f["patch"]["data"]]
    assert patches == ["drop=leaked", "drop=near_leaked"]
    apply = [option for word in patches for option in ("--apply", word)]
    assert main([*asked, *apply, "-o", str(new)]) == 0
    assert [json.loads(line) for line in new.read_text().splitlines()] == [
        row for at, row in enumerate(rows) if at not in (1, 3)
    ]
    assert leaks(new, file) == {}
    assert main(["inspect", str(data), *apply, "-o", str(tmp_path / "other.jsonl")]) == 2
    assert "--eval" in capsys.readouterr().err


def test_an_evaluation_file_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(tmp_path / "data.jsonl", [pair("a")])
    assert main(["inspect", str(data), "--eval", str(tmp_path / "gone.jsonl")]) == 2
    assert "gone.jsonl" in capsys.readouterr().err


TEXT = st.lists(st.sampled_from("a b c d e f".split()), max_size=20).map(" ".join)  # noqa: SIM905


@settings(deadline=None, max_examples=15)
@given(rows=st.lists(TEXT, max_size=8), held=st.lists(TEXT, max_size=5), seed=st.integers(0, 9))
def test_rows_that_are_equal_always_leak_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], held: list[str], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("leaks")
    texts = [text for text in rows if text]
    file = write(folder / "held.jsonl", [{"text": text} for text in held])
    first = leaks(write(folder / "data.jsonl", [{"text": text} for text in rows]), file)
    random.Random(seed).shuffle(rows)
    other = leaks(write(folder / "data.jsonl", [{"text": text} for text in rows]), file)
    equal = sum(text in texts for text in held)
    assert (first["leaked"].count if "leaked" in first else 0) == equal
    assert {check: finding.count for check, finding in first.items()} == {
        check: finding.count for check, finding in other.items()
    }
