"""Any row can be read alone, and is the one that reading from the top gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.read.index import RowIndex
from engine.data.read.rows import read_rows, seen_rows
from engine.data.row import Row
from engine.problem import Problem

ANY_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COLUMN = st.text("abcé文", max_size=4)
BLANK = st.sampled_from(["", " ", "\n", "\u2003\n", "\x1c\n", "\r\n", "\t"])


def indexed(path: Path) -> tuple[RowIndex, list[Row]]:
    """The index of a file and its rows, as far as it can be read."""
    index, rows = RowIndex(path), []
    try:
        for row in seen_rows(path):
            index.add(row)
            rows.append(row)
    except Problem:
        pass
    return index, rows


def same_rows(path: Path) -> int:
    index, rows = indexed(path)
    assert index.count == len(rows)
    for number, row in enumerate(rows):
        assert index.rows(number) == [row]
    assert index.rows(0, len(rows) + 5) == rows
    assert index.rows(len(rows)) == []
    return len(rows)


@ANY_FILE
@given(
    rows=st.lists(st.tuples(st.dictionaries(TEXT, TEXT, max_size=3), BLANK), max_size=80),
    before=st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n ", b" "]),
)
def test_every_row_of_json_lines(
    tmp_path: Path, rows: list[tuple[dict[str, str], str]], before: bytes
) -> None:
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n{blank}" for row, blank in rows)
    for name in ("rows.jsonl", "rows.json"):
        path = tmp_path / name
        path.write_bytes(before + text.encode())
        same_rows(path)


@ANY_FILE
@given(
    rows=st.lists(st.dictionaries(COLUMN, TEXT, max_size=3), max_size=80),
    indent=st.sampled_from([None, 0, 2]),
    around=st.booleans(),
)
def test_every_row_of_a_json_array(
    tmp_path: Path, rows: list[dict[str, str]], indent: int | None, around: bool
) -> None:
    path = tmp_path / "rows.json"
    document = {"é": 1, "rows": rows} if around and rows else rows
    path.write_text(json.dumps(document, ensure_ascii=False, indent=indent), encoding="utf-8")
    assert same_rows(path) == len(rows) or around


@ANY_FILE
@given(content=st.text('",;\n\r aé1', max_size=120))
def test_every_row_of_csv_with_quotes_and_line_ends(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" * content.isascii() + content, encoding="utf-8", newline="")
    same_rows(path)


@ANY_FILE
@given(content=st.text("a\n\r é\u2028", max_size=80))
def test_every_line_of_a_text(tmp_path: Path, content: str) -> None:
    path = tmp_path / "book.txt"
    path.write_text(content, encoding="utf-8", newline="")
    same_rows(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv"])
def test_a_row_far_inside_is_read_without_those_before_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    rows = [{"prompt": f"p{i}", "completion": "x" * (i % 90)} for i in range(5000)]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    text = {
        ".jsonl": lines,
        ".json": json.dumps(rows),
        ".csv": "prompt,completion\n" + "".join(f"{r['prompt']},{r['completion']}\n" for r in rows),
    }[suffix]
    path.write_text(text)
    index, whole = indexed(path)
    # What comes before is spoilt: whoever reads it would fail.
    spoilt = bytearray(path.read_bytes())
    header = spoilt.find(b"\n") + 1 if suffix == ".csv" else 1
    spoilt[header : whole[3000].offset] = b'"' * (whole[3000].offset - header)
    path.write_bytes(spoilt)
    assert [row.values for row in index.rows(4000, 40)] == rows[4000:4040]


@pytest.mark.parametrize(
    "name",
    [
        "llamafactory_demo/alpaca_zh_demo.json",
        "gsm8k/test.jsonl",
        "banking77/test.csv",
        "tinyshakespeare/input.txt",
    ],
)
def test_real_files(shared: Path, name: str) -> None:
    index, rows = indexed(shared / "data" / name)
    for number in (0, 1, len(rows) // 2, len(rows) - 1):
        assert index.rows(number) == [rows[number]]
    if not name.endswith(".txt"):
        assert rows == list(read_rows(shared / "data" / name))
