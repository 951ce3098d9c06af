"""Readers keep every row and its line, and answer anything else with a problem in words."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.read.rows import read_rows
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.problem import Problem

ANY_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
COLUMN = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=6)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


def read(path: Path, content: str | bytes) -> list[tuple[int, dict[str, Any]]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [(row.line, row.values) for row in read_rows(path)]


def rows_or_problem(path: Path) -> list[Row]:
    """The rows of a file, none where it was refused with its name."""
    try:
        return list(read_rows(path))
    except Problem as problem:
        where = problem.where
    assert str(path) in where
    return []


def refused(path: Path, content: str | bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(path, content)
    assert caught.value.where.startswith(str(path))
    assert caught.value.do
    return caught.value


@ANY_FILE
@given(content=st.binary(max_size=400), suffix=st.sampled_from([".jsonl", ".json", ".csv", ".tsv", ".txt"]))
def test_no_bytes_crash_a_reader(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(content)
    assert all(row.line >= 1 for row in rows_or_problem(path))


@ANY_FILE
@given(
    content=st.text('[]{}":,\\n \t\r"a1ué\u2028', max_size=60),
    suffix=st.sampled_from([".jsonl", ".json", ".csv"]),
)
def test_nearly_right_files_do_not_crash_a_reader(tmp_path: Path, content: str, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text(content, encoding="utf-8", newline="")
    rows_or_problem(path)


@ANY_FILE
@given(rows=st.lists(st.dictionaries(COLUMN, TEXT, min_size=1, max_size=3), max_size=6))
def test_json_in_every_dress_keeps_its_rows(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    dressed = {
        "a.jsonl": lines,
        "b.json": json.dumps(rows, indent=1),
        "c.json": lines if len(rows) > 1 else json.dumps(rows),
        "d.json": json.dumps({"version": 1, "rows": rows}) if rows else "[]",
    }
    for name, content in dressed.items():
        assert [values for _, values in read(tmp_path / name, content)] == rows, name


@ANY_FILE
@given(
    rows=st.lists(st.tuples(TEXT, TEXT).filter(lambda row: any(f.strip() for f in row)), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_csv_keeps_fields_with_quotes_and_line_ends(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("prompt", "completion"), *rows])
    found = read(tmp_path / "rows.csv", file.getvalue())
    assert [(v["prompt"], v["completion"]) for _, v in found] == rows


@ANY_FILE
@given(text=TEXT)
def test_text_is_kept_to_the_letter(tmp_path: Path, text: str) -> None:
    found = read(tmp_path / "a.txt", text)
    assert "".join(values["text"] for _, values in found) == text.removeprefix("\ufeff")


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    assert [line for line, _ in read(tmp_path / "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')] == [1, 3]
    assert [line for line, _ in read(tmp_path / "a.json", '[\n {"a": 1},\n\n {"a":\n 2}, {"a": 3}\n]')] == [
        2,
        4,
        5,
    ]
    assert [line for line, _ in read(tmp_path / "a.csv", 'a,b\n1,"x\ny"\n2,z\n')] == [2, 4]


def test_a_byte_order_mark_and_old_line_ends_are_no_obstacle(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", b"\xef\xbb\xbftext,n\r1,2\r") == [(2, {"text": "1", "n": "2"})]
    assert read(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"Text ": "x"}') == [(1, {"text": "x"})]


def test_one_conversation_alone_is_one_row(tmp_path: Path) -> None:
    talk = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    assert read(tmp_path / "a.json", json.dumps(talk)) == [(1, talk)]


@pytest.mark.parametrize(
    ("name", "content", "line", "says"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": \xff}\n', 2, "0xFF"),
        ("a.jsonl", '{"a": 1}\n{"a": }\n', 2, "column 7"),
        ("a.jsonl", '{"a": 1}\n"text"\n', 2, "a text"),
        ("a.json", '[{"a": 1},\n{"a": 2}\n{"a": 3}]', 3, "comma"),
        ("a.json", '[{"a": 1},\n{"a": 2', 2, "parser"),
        ("a.json", "[" * 100_000, 1, "deep"),
        ("a.json", '{\n "rows": [\n  {"a": }\n ]\n}', 3, "column"),
        ("a.json", '{"a": 1}\n{"a": 2}\n{"a"\n', 3, "parser"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", 3, "3 fields"),
        ("a.csv", 'a,b\n1,2\n"1,2\n', 3, "quote"),
        ("a.csv", "a,a\n1,2\n", 1, "same name"),
        ("a.parquet", b"PAR1", None, ".jsonl"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, line: int | None, says: str
) -> None:
    refusal = refused(tmp_path / name, content)
    assert refusal.where == (f"{tmp_path / name}:{line}" if line else str(tmp_path / name))
    assert says in str(refusal)


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="does not exist"):
        list(read_rows(tmp_path / "none.csv"))


def test_odd_files_of_the_world_are_read_or_explained(tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "csv_torture" / "examples"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` with data beside the repository")
    files = [path for path in folder.rglob("*") if path.suffix in (".csv", ".tsv")]
    readable = [path for path in files if rows_or_problem(path)]
    assert len(files) > 40
    assert len(files) / 2 < len(readable) < len(files)
