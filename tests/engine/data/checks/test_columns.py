"""Kinds of values, missing fields and empty columns, over a whole file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.data.checks.columns import EMPTY, MISSING, MIXED
from engine.data.inspect import Inspection
from engine.findings import Finding


def told(path: Path, rows: list[dict[str, Any]]) -> dict[str, Finding]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inspection = Inspection([path])
    for _ in inspection.steps():
        pass
    return {finding.check: finding for finding in inspection.report().checked if "column" in finding.title}


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"question": f"What is {number} and {number}?", "answer": f"It is {2 * number}."} | more


def test_a_column_of_several_kinds_is_told_with_their_numbers(tmp_path: Path) -> None:
    found = told(
        tmp_path / "r.jsonl", [row(i, **({"answer": 2 * i} if i % 5 == 0 else {})) for i in range(40)]
    )
    assert set(found) == {MIXED}
    assert found[MIXED].title == "The column answer holds values of several kinds"
    assert found[MIXED].evidence == ["answer: text in 32 rows, number in 8 rows"]


def test_a_column_that_few_rows_lack_is_told(tmp_path: Path) -> None:
    whole = [row(i) for i in range(100)]
    del whole[60]["question"]
    found = told(tmp_path / "q.jsonl", whole)
    assert set(found) == {MISSING}
    assert found[MISSING].evidence == ["question: not in 1 of 100 rows"]


def test_a_column_that_is_always_empty_is_told_and_an_optional_one_is_not(tmp_path: Path) -> None:
    assert set(told(tmp_path / "r.jsonl", [row(i, question="") for i in range(20)])) == {EMPTY}
    rows = [{"instruction": f"Say {i}", "input": "", "output": f"It is {i}."} for i in range(20)]
    assert told(tmp_path / "a.jsonl", rows) == {}


def test_sound_columns_are_not_spoken_of(tmp_path: Path) -> None:
    assert told(tmp_path / "r.jsonl", [row(i) for i in range(30)]) == {}
    assert told(tmp_path / "s.jsonl", [row(i, source=None, id=i) for i in range(30)]) == {}
