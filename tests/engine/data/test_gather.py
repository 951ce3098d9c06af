"""Rows of a finding, and rows in another order, by their numbers: all of them, in whichever file they lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.gather import gathered
from engine.data.inspect import Inspection
from engine.inspection.talk import TOKENS, Gather

Make = Any


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def inspected(*files: Path, tokenizer: Any = None, max_length: int = 1024) -> Inspection:
    inspection = Inspection(list(files), tokenizer, max_length=max_length)
    for _ in inspection.steps():
        pass
    return inspection


def asked(inspection: Inspection, **wanted: Any) -> list[int]:
    [answer] = [found for found in gathered(inspection, Gather(**wanted)) if found is not None]
    return answer.rows


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """40 and 50 rows; every tenth holds a blank, two have no answer, one is refused."""
    rows: list[dict[str, Any]] = [
        {"question": f"q{i}" + (" {{name}}" if i % 10 == 0 else ""), "answer": "word " * (i % 7 + 1), "n": -i}
        for i in range(90)
    ]
    rows[5]["answer"] = rows[63]["answer"] = ""
    rows[77]["answer"] = {"no": "text"}
    return [written(tmp_path / "a.jsonl", rows[:40]), written(tmp_path / "b.jsonl", rows[40:])]


def test_the_rows_of_a_finding_are_all_of_its_rows(two: list[Path]) -> None:
    inspection = inspected(*two)
    by_check = {finding.check: finding for finding in inspection.report().findings(1024)}
    assert asked(inspection, finding="placeholder") == list(range(0, 90, 10))
    assert asked(inspection, finding="empty") == [5, 63]
    [refused] = [check for check in by_check if check.startswith("refused")]
    assert asked(inspection, finding=refused) == [77]
    assert by_check["placeholder"].count == 9
    for check in ("placeholder", "empty", refused):
        places = [inspection.table.number_of(place) for place in by_check[check].places]
        assert places == asked(inspection, finding=check)[: len(places)]


def test_rows_too_long_follow_the_max_length_that_is_looked_at(two: list[Path], tokenizer: Make) -> None:
    inspection = inspected(*two, tokenizer=tokenizer())
    numbers = inspection.numbers
    for limit in (20, 30):
        found = asked(inspection, finding="too_long", max_length=limit)
        assert found == [row for row in range(90) if numbers.tokens(row) > limit]
        assert len(found) == inspection.report().lengths.truncated_rows(limit)


def test_rows_are_sorted_by_tokens_and_by_what_a_column_holds(two: list[Path], tokenizer: Make) -> None:
    inspection = inspected(*two, tokenizer=tokenizer())
    longest = asked(inspection, by=TOKENS, down=True)
    lengths = [inspection.numbers.tokens(row) for row in longest]
    assert lengths == sorted(lengths, reverse=True)
    assert {5, 63, 77}.isdisjoint(longest), "what training leaves out has no length"
    assert asked(inspection, by="n") == list(range(89, -1, -1))
    assert asked(inspection, by="n", finding="placeholder") == list(range(80, -1, -10))


def test_a_finding_whose_rows_are_not_known_by_number_has_its_examples(two: list[Path]) -> None:
    inspection = inspected(*two)
    places = [f"{two[1]}:3", f"{two[0]}:40", "elsewhere.jsonl:1", f"{two[0]}:999"]
    assert asked(inspection, finding="of a check that tells no rows", places=places) == [42, 39]


def test_the_first_verdict_is_of_some_rows_and_says_of_how_many(tmp_path: Path) -> None:
    rows = [{"question": f"q{i:05}", "answer": "a"} for i in range(5000)]
    inspection = Inspection([written(tmp_path / "r.jsonl", rows)])
    next(inspection.steps())
    report = inspection.report()
    assert 0 < report.rows < 5000
    assert report.expected == pytest.approx(5000, rel=0.01)
    assert inspected(tmp_path / "r.jsonl").report().expected == 5000


def test_rows_are_read_in_whatever_order_they_are_asked_for(two: list[Path]) -> None:
    table = inspected(*two).table
    for numbers in ([89, 3, 4, 5, 2, 40, 39], list(range(89, -1, -1)), [7, 7, 8]):
        assert [row.values["n"] for _, _, row in table.numbered(numbers)] == [-number for number in numbers]
