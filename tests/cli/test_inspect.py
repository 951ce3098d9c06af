"""`openlora inspect` reports what is in the data and what training would lose of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openlora_tui.cli.main import main

ROWS = [
    {"prompt": "Hi", "completion": " Hello"},
    {"prompt": "Hi", "completion": " Hello"},
    {"prompt": "Once upon a time " * 20, "completion": " there was a fox"},
    {"prompt": "Nothing", "completion": ""},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def document(capsys: pytest.CaptureFixture[str], *words: str | Path, status: int = 0) -> dict[str, Any]:
    assert main(["inspect", *map(str, words), "--json"]) == status
    said = json.loads(capsys.readouterr().out)
    assert isinstance(said, dict)
    return said


def test_without_a_model_rows_are_counted_and_tokens_are_not_made_up(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = document(capsys, data)
    assert (said["rows"], said["format"], said["exact_duplicates"]) == (4, "prompt_completion", 1)
    assert set(said["columns"]) == {"prompt", "completion"}
    assert said["near_duplicates"] == 0
    assert said["tokens"] is said["truncated_rows"] is None
    assert any("--model" in note for note in said["notes"])


def test_with_a_model_the_losses_are_counted(
    data: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shared / "models" / "stories260K"
    said = document(capsys, data, "--model", model, "--max-length", "64", "--row", "3")
    assert (said["truncated_rows"], said["fully_masked_rows"], said["empty_rows"]) == (1, 1, 1)
    assert set(said["tokens"]) == {"total", "p50", "p95", "p99", "max"}
    assert said["sampled"] is False
    categories = {finding["category"] for finding in said["findings"]}
    assert categories == {"truncation", "dataset_format", "duplicates"}
    assert said["row"]["lost"] == said["truncated_answer_tokens"] > 0
    assert main(["inspect", str(data), "--model", str(model), "--max-length", "64", "--row", "1"]) == 0
    text = capsys.readouterr().out
    assert "1 rows cut" in text
    assert "» Hello</s>‹EOS›«" in text
    assert "the same prompt, token for token" in text


def test_what_cannot_be_read_is_named_with_its_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.write_text("{nonsense\n")
    said = document(capsys, data, status=2)
    assert said["error"]["where"] == f"{data}:1"
    assert said["error"]["do"]
    assert document(capsys, tmp_path / "none.csv", status=2)["error"]["what"]


def test_lines_that_are_broken_are_a_finding_and_no_end(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.write_text("{nonsense\n" + data.read_text() + "{nonsense\n[\n")
    said = document(capsys, data)
    assert (said["rows"], said["broken_rows"]) == (4, 3)
    finding = said["findings"][0]
    assert (finding["category"], finding["severity"]) == ("dataset_encoding_or_parse", "blocker")
    assert (finding["count"], finding["places"]) == (3, [f"{data}:{line}" for line in (1, 6, 7)])


@pytest.mark.parametrize(
    "words",
    [["--row", "9"], ["--max-length", "0"], ["--model", "./nowhere"], ["--model", "no/such-model-here"]],
)
def test_wrong_words_say_what_to_do(
    data: Path,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert document(capsys, data, *words, status=2)["error"]["do"]


def test_a_shape_that_training_does_not_take_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("chosen,rejected\na,b\n")
    said = document(capsys, path)
    assert (said["rows"], said["format"], said["rejected_rows"]) == (1, "preference", 1)
    assert said["findings"][0]["severity"] == "blocker"
    assert "a chosen and a rejected answer" in said["findings"][0]["title"]
    assert said["findings"][0]["patch"]["recipe"] == {"objective": "dpo"}


def test_what_training_would_refuse_is_written_to_a_file_of_its_own(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with data.open("a") as file:
        file.write('{"prompt": "torn\n{"prompt": "a", "completion": 5}\n')
    rejects = data.with_name("rejects.jsonl")
    found = [finding for finding in document(capsys, data, "--rejects", rejects)["findings"]
             if finding["severity"] == "blocker"]  # fmt: skip
    rows = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert (rows[0]["line"], rows[0]["raw"]) == (5, '{"prompt": "torn')
    assert len(rows) == sum(finding["count"] for finding in found)
    assert found[0]["patch"]["recipe"] == {"bad_rows": "drop"}
    document(capsys, data.with_name("fine.jsonl"), "--rejects", rejects, status=2)


def test_a_folder_and_a_mapping_are_words_too(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data.parent / "set"
    folder.mkdir()
    data.rename(folder / "train.jsonl")
    (folder / "test.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    said = document(capsys, folder)
    assert (said["rows"], len(said["files"])) == (4, 1)
    assert {"eval_data": {"path": str(folder), "split": "test"}} in [
        finding["patch"]["recipe"] for finding in said["findings"] if finding["patch"]
    ]
    assert document(capsys, f"{{path: {folder}, split: test}}")["rows"] == 1


def test_weights_say_how_many_rows_an_epoch_draws(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = data.with_name("other.jsonl")
    other.write_text(data.read_text())
    said = document(capsys, f"{{path: {data}, weight: 2.5}}", other)
    assert (said["rows"], said["rows_per_epoch"]) == (8, 14)
    assert main(["inspect", f"{{path: {data}, weight: 0.5}}"]) == 0
    assert "4 rows, about 2 drawn an epoch" in capsys.readouterr().out
