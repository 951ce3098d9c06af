"""A new dataset is written from one with flaws: each step does what it says, and the record tells of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from engine.data import ModelTokenizer
from engine.data.inspect import Inspection
from engine.data.mend.mending import Made, Mending
from engine.data.mend.setting import Setting
from engine.problem import Problem

ROWS = [
    {"prompt": "Who are you?", "completion": "I am {{name}}, made by {{ author }}."},
    {"prompt": "1 + 1 ?", "completion": "2"},
    {"prompt": "1 + 1 ?", "completion": "2"},
    {"prompt": "What is it?", "completion": ""},
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def mended(source: Path, *words: str, tokenizer: ModelTokenizer | None = None, most: int = 1024) -> Made:
    setting = Setting(Inspection([source], tokenizer, max_length=most), most)
    mending = Mending([source], words, source.with_name("new.jsonl"), setting, force=True)
    shares = list(mending.steps())
    assert shares[-1] == 1.0
    assert mending.made is not None
    return mending.made


def rows_of(made: Made) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(made.path).read_text().splitlines()]


def test_steps_are_done_in_their_order_and_each_says_what_it_did(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", ROWS)
    made = mended(source, "dedup", "drop=empty", "fill=name:Ada,author:the team")
    assert rows_of(made) == [{"prompt": "Who are you?", "completion": "I am Ada, made by the team."}, ROWS[1]]
    assert (made.rows_before, made.rows) == (4, 2)
    dedup, empty, fill = made.steps
    assert dedup.dropped.first == [f"{source}:3"]
    assert empty.dropped.first == [f"{source}:4"]
    assert fill.changed.first == [f"{source}:1"]


def test_what_a_finding_offers_can_be_applied_and_then_the_finding_is_gone(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", ROWS)
    inspection = Inspection([source])
    list(inspection.steps())
    patches = [found.patch for found in inspection.report().findings(64) if found.patch and found.patch.data]
    assert patches
    for patch in patches:
        made = mended(source, *patch.data)
        again = Inspection([Path(made.path)])
        list(again.steps())
        assert patch.data not in [found.patch.data for found in again.report().findings(64) if found.patch]


def test_the_source_stays_and_the_record_says_how_the_new_one_was_made(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", ROWS)
    before = source.read_bytes()
    made = mended(source, "dedup")
    assert source.read_bytes() == before
    record = YAML(typ="safe").load(Path(made.record))
    assert (record["dataset"], record["rows"], record["rows_before"]) == ("new.jsonl", 3, 4)
    assert record["from"] == [
        {"file": str(source), "bytes": len(before), "sha256": hashlib.sha256(before).hexdigest()}
    ]
    assert record["steps"] == [{"apply": "dedup", "dropped": 1, "first_dropped": [f"{source}:3"]}]


def test_nothing_is_left_where_a_row_cannot_be_read(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"prompt":"a","completion":"b"}\n{broken\n')
    with pytest.raises(Problem, match="not valid JSON"):
        mended(source, "dedup")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dedupe"], "Did you mean dedup"),
        (["dedup=3"], "Write dedup"),
        (["drop=unheard"], "Use one of"),
        (["split=0"], "no number"),
        (["split=9"], "no model is named"),
        (["fill=name"], "fill=NAME:VALUE"),
        (["convert=xml"], "messages"),
        (["resplit=prompt:0.5", "dedup"], "has to come last"),
        (["resplit=prompt:2"], "COLUMN:0.1"),
        (["rebalance=colour"], "no column colour"),
    ],
)
def test_a_word_that_cannot_be_done_is_told_with_what_can(
    tmp_path: Path, words: list[str], said: str
) -> None:
    with pytest.raises(Problem) as caught:
        mended(written(tmp_path / "rows.jsonl", ROWS), *words)
    assert said in str(caught.value)


def test_the_target_is_never_the_source_nor_a_file_that_is_there(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", ROWS)
    (tmp_path / "there.jsonl").write_text("mine")
    setting = Setting(Inspection([source]))
    for target, said in (
        (source, "never changed"),
        (tmp_path / "there.jsonl", "--force"),
        (tmp_path / "x.csv", "x.jsonl"),
    ):
        with pytest.raises(Problem) as caught:
            Mending([source], ["dedup"], target, setting)
        assert said in str(caught.value)
    assert (tmp_path / "there.jsonl").read_text() == "mine"


def test_documents_are_cut_at_the_ends_of_sentences(
    tmp_path: Path, tokenizer: Callable[..., ModelTokenizer]
) -> None:
    text = "The fox says hello. The quick brown fox! Does it? " * 9 + "它说你好。" * 20
    made = mended(
        written(tmp_path / "docs.jsonl", [{"text": text, "id": 7}]),
        "split=64",
        tokenizer=(model := tokenizer()),
    )
    pieces = [row["text"] for row in rows_of(made)]
    assert len(pieces) == made.steps[0].added + 1 > 3
    assert all(len(model.encode(piece)) <= 64 for piece in pieces)
    assert all(piece[-1] in ".!?。" for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert {row["id"] for row in rows_of(made)} == {7}


@given(text=st.text(alphabet="ab .!。\n", min_size=1, max_size=200), most=st.integers(1, 40))
def test_cutting_loses_nothing_but_the_space_between(text: str, most: int) -> None:
    from engine.data.mend.restructuring import _pieces

    pieces = _pieces(text, most, len)
    assert all(len(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_classes_are_brought_to_one_size_and_the_draw_is_the_same_each_time(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}", "completion": "spam" if n % 10 else "ham"} for n in range(100)]
    source = written(tmp_path / "rows.jsonl", rows)
    first = rows_of(mended(source, "rebalance=completion:20"))
    assert Counter(row["completion"] for row in first) == {"spam": 20, "ham": 10}
    assert rows_of(mended(source, "rebalance=completion:20")) == first


def test_groups_stay_together_when_rows_are_held_out(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}", "completion": "x", "ticket": n // 4} for n in range(400)]
    made = mended(written(tmp_path / "rows.jsonl", rows), "resplit=ticket:0.2")
    assert made.eval_path is not None
    train = rows_of(made)
    held = [json.loads(line) for line in Path(made.eval_path).read_text().splitlines()]
    assert len(train) + len(held) == 400
    assert (len(train), len(held)) == (made.rows, made.eval_rows)
    assert not {row["ticket"] for row in train} & {row["ticket"] for row in held}
    assert 40 < len(held) < 130


def test_rows_are_written_as_training_reads_them(tmp_path: Path) -> None:
    rows = [{"instruction": "Add.", "input": "1 2", "output": "3"}]
    source = written(tmp_path / "rows.jsonl", rows)
    assert rows_of(mended(source, "convert=prompt_completion")) == [
        {"prompt": "Add.\n\n1 2", "completion": "3"}
    ]
    [turns] = rows_of(mended(source, "convert=messages"))
    assert [turn["role"] for turn in turns["messages"]] == ["user", "assistant"]


def test_rows_that_would_be_cut_are_left_out(
    tmp_path: Path, tokenizer: Callable[..., ModelTokenizer]
) -> None:
    rows = [{"prompt": "a", "completion": "the fox " * count} for count in (1, 50)]
    made = mended(written(tmp_path / "rows.jsonl", rows), "drop=too_long", tokenizer=tokenizer(), most=32)
    assert rows_of(made) == rows[:1]


def test_mojibake_is_mended_and_what_is_right_is_left_alone(tmp_path: Path) -> None:
    right = "می‌خواهم “quotes” ﬁne 👩‍💻 ｆｕｌｌ é"
    rows = [{"prompt": "schÃ¶n\x07", "completion": right}]
    made = mended(written(tmp_path / "rows.jsonl", rows), "clean")
    assert rows_of(made) == [{"prompt": "schön", "completion": right}]
