"""A mapping on the command line: proposed, pasted into a recipe, tried on data, and written by `new`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.recipe import parse
from openlora_tui.cli.main import main

ROWS = [
    {"id": k, "betreff": f"Rechnung {k}", "nachricht": f"Was bedeutet der Betrag {k}?"}
    | {"antwort": f"Das sind {k} Euro."}
    for k in range(20)
]
MEANT = {"question": "{betreff}\n\n{nachricht}", "answer": "{antwort}"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "post.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def said(capsys: pytest.CaptureFixture[str], *words: str | Path, status: int = 0) -> str:
    assert main([str(word) for word in words]) == status
    return capsys.readouterr().out


def test_what_is_proposed_can_be_pasted_into_a_recipe_and_reads_every_row(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "inspect", data, "--propose")
    assert "mapping:" in lines
    assert "#   user: Rechnung 0 Was bedeutet der Betrag 0?" in lines
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"model: m\ndata: {data}\n{lines}")
    found = json.loads(said(capsys, "inspect", data, "--mapping", recipe, "--json"))
    assert (found["format"], found["examples"], found["rejected_rows"]) == ("question_answer", 20, 0)
    document = json.loads(said(capsys, "inspect", data, "--propose", "--json"))
    assert document["mapping"] == MEANT
    assert document["samples"][0]["parts"][1] == {
        "role": "assistant",
        "text": "Das sind 0 Euro.",
        "learnt": True,
    }


def test_a_mapping_stands_on_the_command_line_or_in_a_file_of_its_own(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text('question: "{nachricht}"\nanswer: "{antwort}"\nfilter: id < 5\n')
    for word in (file, '{question: "{nachricht}", answer: "{antwort}", filter: "id < 5"}'):
        found: dict[str, Any] = json.loads(said(capsys, "inspect", data, "--mapping", word, "--json"))
        assert (found["rows"], found["examples"]) == (20, 5)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ('{qestion: "x"}', "Did you mean `question`?"),
        ("{question: ", "cannot be read"),
        ("nowhere.yaml", "nowhere.yaml"),
        ('{question: "{nachricht", answer: "x"}', "never closed"),
    ],
)
def test_a_wrong_mapping_is_told_in_one_message(
    data: Path, capsys: pytest.CaptureFixture[str], word: str, told: str
) -> None:
    assert main(["inspect", str(data), "--mapping", word]) == 2
    assert told in capsys.readouterr().err


def test_a_column_that_is_not_there_is_a_blocker_with_the_nearest_name(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = '{question: "{nachrcht}", answer: "{antwort}"}'
    found = json.loads(said(capsys, "inspect", data, "--mapping", word, "--json"))
    assert (found["rejected_rows"], found["examples"]) == (20, 0)
    assert found["findings"][0]["remedy"] == "Did you mean `nachricht`?"


def test_where_nothing_can_be_proposed_it_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "n.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    assert main(["inspect", str(path), "--propose"]) == 1
    assert "No mapping can be proposed" in capsys.readouterr().err
    path.write_text("question,answer\na,b\n")
    assert main(["inspect", str(path), "--propose"]) == 0
    assert "no mapping is needed" in capsys.readouterr().err


def test_new_writes_the_mapping_that_the_data_needs(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    text = said(capsys, "new", "--data", "post.jsonl", "--model", "m")
    mapping = parse(text).recipe.mapping
    assert mapping is not None
    assert (mapping.question, mapping.answer) == (MEANT["question"], MEANT["answer"])
    assert "% sure)" in text
    text = said(capsys, "new", "--data", "post.jsonl", "--set", "mapping.text={antwort}")
    mapping = parse(text).recipe.mapping
    assert mapping is not None
    assert (mapping.text, mapping.question) == ("{antwort}", "")
