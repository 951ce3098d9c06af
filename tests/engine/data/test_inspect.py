"""An inspection counts what training would do with the rows, at any max_length, without reading again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data import ModelTokenizer, Refusal, prepare
from engine.data.inspect import Inspection
from engine.data.named import tokenizer_of
from engine.data.serve import serve
from engine.inspection import talk
from engine.inspection.lengths import Lengths, histogram
from engine.inspection.report import Report
from engine.line import Gone
from engine.recipe.recipe import Recipe
from tests.engine.data.conftest import CHATML

Make = Callable[..., ModelTokenizer]
QUESTION = {"question": "Say", "answer": "hello"}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def looked_at(*files: Path, tokenizer: ModelTokenizer | None = None, max_length: int = 1024) -> Report:
    inspection = Inspection(files, tokenizer, model="tiny" if tokenizer else "", max_length=max_length)
    shares = list(inspection.steps())
    assert shares == sorted(shares)
    return inspection.report()


WORDS = st.text("ab ", max_size=30)
ROWS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"prompt": WORDS, "completion": WORDS}),
    ),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(rows=ROWS, max_length=st.integers(2, 30), other=st.integers(2, 30))
def test_the_counts_are_those_of_training_at_any_max_length(
    tokenizer: Make, tmp_path: Path, rows: list[dict[str, str]], max_length: int, other: int
) -> None:
    plain = tokenizer()
    path = write(tmp_path / "r.jsonl", rows)
    report = looked_at(path, tokenizer=plain, max_length=max_length)
    whole = prepare_whole(plain, path)
    for at in (max_length, other):
        spans = [whole.train.row(i) for i in range(len(whole.train))] if whole else []
        assert report.lengths.truncated_rows(at) == sum(len(ids) > at for ids, _ in spans)
        lost = sum(mask.count(1, at) for _, mask in spans)
        assert report.lengths.truncated_answer_tokens(at) == lost
        gone = sum(not mask.count(1, 0, at) for _, mask in spans)
        assert report.lengths.fully_masked_rows(at) == gone
        assert report.quantiles(at)["max"] == max((len(ids) for ids, _ in spans), default=0)
        titles = [finding.title for finding in report.findings(at) if finding.category == "truncation"]
        assert bool(titles) == bool(lost)
    assert report.lengths.total == (whole.train.tokens if whole else 0)
    assert report.losses.truncated_answer_tokens == report.lengths.truncated_answer_tokens(max_length)


def prepare_whole(tokenizer: ModelTokenizer, path: Path) -> Any:
    try:
        return prepare(Recipe(model="m", data=str(path), eval_split=0.0, max_length=100_000), tokenizer)
    except Refusal:
        return None


@given(lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=60), reach=st.integers(1, 4000))
def test_quantiles_and_bars_lose_no_row(lengths: list[int], reach: int) -> None:
    counted = Lengths()
    for length in lengths:
        counted.add(bytes(length - 1) + b"\1")
    ordered = sorted(lengths)
    half, most = counted.quantiles([0.5, 1.0], 4096)
    assert half == ordered[(len(ordered) + 1) // 2 - 1]
    assert most == ordered[-1]
    for bars in (8, 60):
        assert sum(histogram(counted.counts(4096), bars, reach).bars) == len(lengths)


def test_text_files_are_lines_to_look_at_and_windows_to_learn(tokenizer: Make, tmp_path: Path) -> None:
    plain = tokenizer()
    path = tmp_path / "book.txt"
    path.write_text("".join(f"line {i} the quick brown fox\n" for i in range(60)))
    report = looked_at(path, tokenizer=plain, max_length=16)
    data = prepare(Recipe(model="m", data=str(path), eval_split=0.0, max_length=16), plain).train
    assert report.rows == 60
    assert sum(report.lengths.counts(16).values()) == len(data)
    assert report.quantiles(16)["p50"] == 16
    assert report.lengths.truncated_rows(16) == 0
    assert report.exact_duplicates == 0
    assert report.document(16)["format"] == "text"


def test_duplicates_are_rows_with_equal_values_in_any_order(tmp_path: Path) -> None:
    rows = [
        {"a": 1, "b": [{"x": 1, "y": 2}]},
        {"b": [{"y": 2, "x": 1}], "a": 1},
        {"a": 1, "b": []},
        {"a": "1"},
    ]
    half = '{"a": "\\ud83d"}\n' * 2
    path = write(tmp_path / "r.jsonl", rows)
    path.write_text(path.read_text() + half + '{"a": 123456789012345678901234567890}\n')
    assert looked_at(path).exact_duplicates == 2


def test_rows_that_training_refuses_are_all_named(tokenizer: Make, tmp_path: Path) -> None:
    rows = [
        QUESTION,
        {"question": "x"},
        {"question": "x", "answer": ""},
        {"question": "y", "answer": {"z": 1}},
    ]
    report = looked_at(write(tmp_path / "r.jsonl", rows), tokenizer=tokenizer())
    document = report.document(1024)
    assert (document["rows"], document["rejected_rows"], document["empty_rows"]) == (4, 2, 1)
    blockers = [f for f in report.findings(1024) if f.severity == "blocker"]
    assert [f.evidence for f in blockers] == [[f"{tmp_path}/r.jsonl:2"], [f"{tmp_path}/r.jsonl:4"]]
    assert document["columns"]["answer"] == {"kinds": {"text": 1, "empty": 1, "object": 1}, "filled": 0.5}
    assert document["sampled"] is False


def test_a_template_that_refuses_is_a_finding_and_no_end(tokenizer: Make, tmp_path: Path) -> None:
    strict = "{{ raise_exception('no turns at all') }}"
    report = looked_at(write(tmp_path / "r.jsonl", [QUESTION] * 3), tokenizer=tokenizer(chat_template=strict))
    assert report.rows == 3
    assert not report.counted
    assert "no turns at all" in report.findings(1024)[0].cause


def test_broken_rows_are_counted_and_no_end(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", [QUESTION] * 3)
    path.write_text(path.read_text() + '{"question": \n{"a"\n' + json.dumps(QUESTION) + "\n7\n")
    report = looked_at(path)
    assert (report.rows, report.done) == (4, True)
    broken = [f for f in report.findings(1024) if f.category == "dataset_encoding_or_parse"]
    assert [(f.count, f.places) for f in broken] == [(2, [f"{path}:4", f"{path}:5"])]
    assert report.document(1024)["broken_rows"] == 3


def test_a_file_that_breaks_off_keeps_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps([QUESTION] * 3)[:-1] + ', {"question": ]')
    report = looked_at(path)
    assert (report.rows, report.done) == (3, False)
    assert report.problem is not None
    assert report.problem["where"].startswith(f"{path}:")


def test_a_file_of_nothing_but_broken_rows_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", [1, 2])
    report = looked_at(path)
    assert (report.rows, report.done) == (0, False)
    assert report.problem is not None
    assert report.problem["where"] == f"{path}:1"


def test_nothing_to_learn_is_a_blocker(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    for path in (empty, write(tmp_path / "r.jsonl", [{"question": "a", "answer": " "}])):
        assert looked_at(path).findings(1024)[0].category == "empty_or_tiny_dataset"


def test_several_files_are_one_numbered_list(tokenizer: Make, tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", [QUESTION | {"question": str(i)} for i in range(40)])
    second = write(tmp_path / "b.jsonl", [{"text": f"t{i}"} for i in range(40)])
    inspection = Inspection([first, second], tokenizer(), model="tiny")
    assert all(0 <= share <= 1 for share in inspection.steps())
    assert inspection.report().format == "mixed"
    assert [row.where.rpartition("/")[2] for _, row in inspection.table.rows(39, 2)] == [
        "a.jsonl:40",
        "b.jsonl:1",
    ]
    for start, way in ((0, 1), (79, -1), (50, -1), (50, 1)):
        numbers = [number for number, _ in inspection.table.walk(start, way)]
        assert numbers == list(range(start, 80 if way > 0 else -1, way))


def test_the_pieces_of_a_row_are_its_text_and_its_mask(tokenizer: Make, tmp_path: Path) -> None:
    chat = tokenizer(chat_template=CHATML, stops=[4])
    path = write(tmp_path / "r.jsonl", [QUESTION | {"answer": "héllo 🦊"}])
    inspection = Inspection([path], chat, model="tiny")
    list(inspection.steps())
    row = inspection.show(0, 1024)
    whole = "<|im_start|>user\nSay<|im_end|>\n<|im_start|>assistant\nhéllo 🦊<|im_end|>\n"
    assert "".join(piece.text for piece in row.pieces) == whole
    assert "".join(piece.text for piece in row.pieces if piece.learnt) == "héllo 🦊<|im_end|>"
    assert [piece.text for piece in row.pieces if piece.special] == ["<|im_start|>", "<|im_end|>"] * 2
    assert (row.lost, row.endless, row.where) == (0, False, f"{path}:1")
    cut = inspection.show(0, row.tokens - 3)
    kept = [piece for piece in cut.pieces if piece.part == 0]
    assert cut.lost == 2
    assert cut.endless
    assert whole.startswith("".join(piece.text for piece in kept))
    assert "".join(piece.text for piece in cut.pieces) == whole


def test_what_is_put_before_and_behind_a_prompt_is_shown(tokenizer: Make, tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", [{"prompt": "the fox", "completion": " says"}, {"text": "the " * 50}])
    inspection = Inspection([path], tokenizer(), model="tiny")
    list(inspection.steps())
    pieces = inspection.show(0, 99).pieces
    assert [(p.text, p.learnt, p.special) for p in pieces] == [
        ("<s>", False, True),
        ("the fox", False, False),
        (" says", True, False),
        ("</s>", True, True),
    ]


@pytest.mark.parametrize("row", [{"prompt": "a", "completion": " "}, {"prompt": "a"}])
def test_a_row_that_is_left_out_says_why(tokenizer: Make, tmp_path: Path, row: dict[str, str]) -> None:
    path = write(tmp_path / "r.jsonl", [{"prompt": "a", "completion": "b"}, row])
    inspection = Inspection([path], tokenizer(), model="tiny")
    list(inspection.steps())
    shown = inspection.show(1, 1024)
    assert shown.note
    assert not shown.pieces
    assert shown.values == list(row.items())


class FakeLine:
    """A front end that asks when the side job has nothing else to do, and leaves after its last question."""

    device = "cpu"

    def __init__(self, *requests: talk.Request) -> None:
        self.said: list[talk.Answers] = []
        self._requests = list(requests)

    def say(self, body: bytes) -> None:
        self.said.append(talk.answer(body))

    def hear(self, seconds: float = 0.0) -> bytes | None:
        if not seconds:
            return None
        if self._requests:
            return talk.encode(self._requests.pop(0))
        raise Gone


def test_the_side_job_reports_and_answers(tokenizer: Make, tmp_path: Path) -> None:
    folder = tokenizer().folder
    rows = [{"prompt": f"row {i}", "completion": "b" * 400} for i in range(90)]
    path = write(tmp_path / "r.jsonl", rows)
    line = FakeLine(
        talk.Window(first=60, count=3),
        talk.Show(row=5, max_length=8),
        talk.Seek(text="ROW 77", start=0),
        talk.Seek(text="nowhere", start=0),
    )
    with pytest.raises(Gone):
        serve(talk.encode(talk.Spec(files=[str(path)], model=str(folder), max_length=8)), line)
    told = [answer for answer in line.said if isinstance(answer, talk.Told)]
    assert told[0].report.tokenised >= 64, "the head comes first"
    assert told[-1].report.done
    assert told[-1].share == 1
    [cells] = [answer for answer in line.said if isinstance(answer, talk.Cells)]
    assert [row[0] for row in cells.rows] == ["row 60", "row 61", "row 62"]
    assert len(cells.rows[0][1] or "") == talk.WIDEST
    [counted] = [answer for answer in line.said if isinstance(answer, talk.Counted)]
    assert all(tokens and tokens > 8 for tokens in counted.tokens)
    [shown] = [answer for answer in line.said if isinstance(answer, talk.Shown)]
    assert (shown.row, shown.max_length) == (5, 8)
    sought = [answer for answer in line.said if isinstance(answer, talk.Sought) and answer.ended]
    assert [answer.row for answer in sought] == [77, None]


def test_without_the_model_the_rows_are_still_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    line = FakeLine()
    path = write(tmp_path / "r.jsonl", [QUESTION])
    with pytest.raises(Gone):
        serve(talk.encode(talk.Spec(files=[str(path)], model="some/model")), line)
    [*_, told] = [answer for answer in line.said if isinstance(answer, talk.Told)]
    assert told.report.rows == 1
    assert "openlora pull some/model" in told.report.without


def test_a_models_tokenizer_is_found_by_folder_and_in_the_cache(
    tokenizer: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tokenizer().folder
    assert tokenizer_of(str(folder)).folder == folder
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    commit = "0123456789" * 4
    cached = tmp_path / "hub" / "models--some--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    (cached / "snapshots").mkdir()
    folder.rename(cached / "snapshots" / commit)
    assert tokenizer_of("some/model").folder.name == commit
    with pytest.raises(Refusal, match="no model there"):
        tokenizer_of("./nowhere")


@pytest.mark.parametrize(
    ("name", "rows", "format", "duplicates", "near"),
    [
        ("llamafactory_demo/alpaca_en_demo.json", 999, "alpaca", 14, 0),
        ("llamafactory_demo/glaive_toolcall_en_demo.json", 300, "sharegpt", 35, 5),
        ("gsm8k/test.jsonl", 1319, "question_answer", 0, 0),
        ("banking77/test.csv", 3080, "classification", 0, 12),
    ],
)
def test_real_data(shared: Path, name: str, rows: int, format: str, duplicates: int, near: int) -> None:
    document = looked_at(shared / "data" / name).document(1024)
    assert (document["rows"], document["format"], document["exact_duplicates"]) == (rows, format, duplicates)
    assert document["tokens"] is None
    assert document["near_duplicates"] == near


def test_a_row_with_a_blank_is_told_with_its_place_and_what_would_mend_it(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"prompt":"Who are you?","completion":"I am {{name}}."}\n{"prompt":"a","completion":"b"}\n'
    )
    inspection = Inspection([file])
    list(inspection.steps())
    [finding] = inspection.report().findings(64)
    assert (finding.category, finding.count, finding.share) == ("placeholder", 1, 0.5)
    assert finding.places == [f"{file}:1"]
    assert finding.patch is not None
    assert finding.patch.data == ["drop=placeholder"]
    assert "{{name}}" in finding.evidence[0]
