"""JSON in every form that people save rows in comes to the same rows, whatever the file is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.read import json_layout
from engine.data.read.index import RowIndex
from engine.data.read.json_values import DEPTH, decoded
from engine.data.read.rows import read_rows
from engine.data.refusal import Refusal

ANY_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
NAME = st.text("abcé文", min_size=1, max_size=4)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(NAME, VALUE, min_size=1, max_size=3), min_size=2, max_size=8)


def read(path: Path, content: str, bad: Any = None) -> list[dict[str, Any]]:
    path.write_text(content, encoding="utf-8", newline="")
    return [row.values for row in read_rows(path, bad=bad)]


@ANY_FILE
@given(rows=ROWS, indent=st.sampled_from([None, 0, 1]), kind=st.sampled_from([".json", ".jsonl", ".ndjson"]))
def test_lists_lines_and_values_whatever_the_name(
    tmp_path: Path, rows: list[dict[str, Any]], indent: int | None, kind: str
) -> None:
    path = tmp_path / f"rows{kind}"
    each = [json.dumps(row, ensure_ascii=False, indent=indent) for row in rows]
    listed = json.dumps(rows, ensure_ascii=False, indent=indent)
    assert read(path, listed) == rows
    assert read(path, "[\n" + ",\n".join(each) + "\n]\n") == rows
    assert read(path, "\n".join(each)) == rows
    if kind == ".json":
        assert read(path, listed + "\n" + listed) == rows * 2, "two files that were joined"


@ANY_FILE
@given(rows=ROWS, before=VALUE, indent=st.sampled_from([None, 1]))
def test_a_list_within_an_object(
    tmp_path: Path, rows: list[dict[str, Any]], before: Any, indent: int | None
) -> None:
    document = {"version": [before] if isinstance(before, dict) else before, "data": rows, "more": 5}
    if isinstance(before, dict) or (isinstance(before, list) and any(isinstance(x, dict) for x in before)):
        document["version"] = "1"
    assert read(tmp_path / "a.json", json.dumps(document, indent=indent)) == rows


@ANY_FILE
@given(
    cells=st.lists(st.tuples(VALUE, TEXT), min_size=2, max_size=9),
    indent=st.sampled_from([None, 1]),
)
def test_an_object_of_columns(tmp_path: Path, cells: list[tuple[Any, str]], indent: int | None) -> None:
    document = {"prompt": [a for a, _ in cells], "completion": [b for _, b in cells]}
    rows = [{"prompt": a, "completion": b} for a, b in cells]
    path = tmp_path / "a.json"
    assert read(path, json.dumps(document, indent=indent)) == rows
    index = RowIndex(path)
    found = list(index.read())
    assert [row.values for row in found] == rows
    assert index.rows(1) == [found[1]]


def squad(questions: int) -> dict[str, Any]:
    asked = [
        {"id": str(i), "question": f"Who {i}?", "answers": [{"text": f"He {i}", "answer_start": i}]}
        for i in range(questions)
    ]
    paragraphs = [{"context": f"c{i // 2}", "qas": asked[i : i + 2]} for i in range(0, questions, 2)]
    data = [
        {"title": f"t{i // 2}", "paragraphs": paragraphs[i : i + 2]} for i in range(0, len(paragraphs), 2)
    ]
    return {"version": "v2.0", "data": data}


@pytest.mark.parametrize("indent", [None, 1])
def test_squad_is_a_row_a_question(tmp_path: Path, indent: int | None) -> None:
    rows = read(tmp_path / "train.json", json.dumps(squad(100), indent=indent))
    assert len(rows) == 100
    assert rows[7] == {
        "id": "7", "title": "t1", "context": "c3", "question": "Who 7?",
        "answers": {"text": ["He 7"], "answer_start": [7]},
    }  # fmt: skip
    index = RowIndex(tmp_path / "train.json")
    found = list(index.read())
    assert index.rows(70, 5) == found[70:75]
    assert list(read_rows(index.path, found[70].start)) == found[70:]


def test_an_article_that_is_none_is_passed_over(tmp_path: Path) -> None:
    document = squad(8)
    document["data"][0]["paragraphs"][0]["qas"] = 5
    bad: list[Refusal] = []
    rows = read(tmp_path / "a.json", json.dumps(document, indent=1), bad.append)
    assert [row["id"] for row in rows] == ["4", "5", "6", "7"]
    assert [refusal.where for refusal in bad] == [f"{tmp_path}/a.json:4"]


def test_several_lists_of_rows_are_refused_by_their_names(tmp_path: Path) -> None:
    both = {"train": [{"a": 1}, {"a": 2}], "test": [{"a": 3}]}
    with pytest.raises(Refusal, match="several lists of rows: train, test"):
        read(tmp_path / "a.json", json.dumps(both))


def test_a_second_list_behind_a_long_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_layout, "_ENOUGH_TEXT", 1000)
    rows = [{"a": i} for i in range(1000)]
    bad: list[Refusal] = []
    both = json.dumps({"train": rows, "n": 1, "test": rows})
    assert read(tmp_path / "a.json", both, bad.append) == rows
    assert ["test" in refusal.what for refusal in bad] == [True]


@pytest.mark.parametrize(
    "alone",
    [
        {"messages": [{"role": "user", "content": "a"}]},
        {"prompt": "a", "tags": ["x", "y"]},
        {"prompt": "a"},
        {"chosen": [{"role": "user", "content": "a"}], "rejected": [{"role": "user", "content": "b"}]},
        {"conversations": [{"from": "human", "value": "a"}], "tools": []},
    ],
)
def test_one_object_alone_is_one_row(tmp_path: Path, alone: dict[str, Any]) -> None:
    for indent in (None, 1):
        assert read(tmp_path / "a.json", json.dumps(alone, indent=indent)) == [alone]


GOOD = [{"a": "x{", "b": [{"c": i}]} for i in range(6)]


@pytest.mark.parametrize(
    "broken", ['{"a": }', '{"a" 1}', '{"a": "x', '{"a": [1, 2}', "nonsense", '{"a": 1, "a": 2}', "7"]
)
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_broken_element_is_passed_over_where_lines_tell_the_next(
    tmp_path: Path, broken: str, at: int
) -> None:
    for indent in ("", "  ", "\t"):
        parts = [json.dumps(row) for row in GOOD]
        parts.insert(at, broken)
        bad: list[Refusal] = []
        content = "[\n" + ",\n".join(indent + part for part in parts) + "\n]"
        assert read(tmp_path / "a.json", content, bad.append) == GOOD
        assert [refusal.where for refusal in bad] == [f"{tmp_path}/a.json:{at + 2}"]
        with pytest.raises(Refusal):
            read(tmp_path / "a.json", content)


def test_on_one_line_nothing_tells_the_next_and_no_row_is_made_up(tmp_path: Path) -> None:
    bad: list[Refusal] = []
    with pytest.raises(Refusal, match="not valid JSON"):
        read(tmp_path / "a.json", '[{"a": 1}, {"a": }, {"a": [{"b": 2}, {"c": 3}]}]', bad.append)
    assert not bad


def test_what_is_missing_at_the_end_is_told(tmp_path: Path) -> None:
    bad: list[Refusal] = []
    assert read(tmp_path / "a.json", '[\n{"a": 1},\n{"a": 2}\n', bad.append) == [{"a": 1}, {"a": 2}]
    assert ["closing ]" in refusal.why for refusal in bad] == [True]
    bad.clear()
    assert read(tmp_path / "a.json", '[\n{"a": 1}\n] trailing', bad.append) == [{"a": 1}]
    assert ["follows the closing ]" in refusal.why for refusal in bad] == [True]


def test_rows_are_the_same_across_the_parts_in_which_a_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"a": "é" * (i % 50), "n": i, "m": [{"x": '"\\ \n'}] * (i % 3)} for i in range(300)]
    for part in (1, 7, 64, 1000):
        monkeypatch.setattr("engine.data.read.source._PART", part)
        for indent in (None, 1):
            path = tmp_path / "a.json"
            text = json.dumps(rows[: 30 if part == 1 else 300], ensure_ascii=False, indent=indent)
            assert read(path, text) == json.loads(text)
            lines = [row.line for row in read_rows(path)]
            starts = [number for number, line in enumerate(text.split("\n"), 1) if line == " {"]
            assert lines == (starts or [1] * len(lines))


@given(value=VALUE, blanks=st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : "), (",\t", "\t:")]))
def test_the_fast_decoder_gives_what_the_strict_one_does(value: Any, blanks: tuple[str, str]) -> None:
    text = json.dumps(value, separators=blanks)
    assert decoded(text) == json.loads(text)


@given(
    names=st.lists(st.sampled_from(["a", "b", 'q":', "é", "c :"]), min_size=1, max_size=5),
    colon=st.sampled_from([":", ": ", " :", "\t:", "  :"]),
    inside=st.booleans(),
)
def test_a_name_that_stands_twice_is_always_found(names: list[str], colon: str, inside: bool) -> None:
    text = "{" + ", ".join(f"{json.dumps(name)}{colon}1" for name in names) + "}"
    text = f'[{{"x"{colon} {text}}}]' if inside else text
    if len(set(names)) == len(names):
        assert decoded(text) == json.loads(text)
        return
    with pytest.raises(ValueError, match="|".join(map(re_escaped, names))):
        decoded(text)


def re_escaped(name: str) -> str:
    return "".join(f"\\{char}" if not char.isalnum() else char for char in name)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_has_a_limit_of_its_own(tmp_path: Path, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    for depth in (DEPTH - 1, DEPTH, 2000, 100_000):
        row = f'{{"a": {opening * depth}1{closing * depth}}}\n'
        for name, content in (("a.jsonl", row), ("a.json", f"[\n{row}]")):
            if depth < DEPTH:
                assert len(read(tmp_path / name, content)) == 1
                continue
            with pytest.raises(Refusal, match=f"more than {DEPTH} lists and objects"):
                read(tmp_path / name, content)
