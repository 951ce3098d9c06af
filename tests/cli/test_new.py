"""`openlora new --from` takes over a recipe, of a run or of a file, comments and all."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import events as ev
from engine.recipe import read
from engine.run_dir import RunDir
from openlora_tui.cli.main import main

MINE = "# my own words\nmodel: ./model\ndata: rows.csv\nlora_r: 8   # enough\n"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    (folder / "model").mkdir(parents=True)
    (folder / "rows.csv").write_text("prompt,completion\na,b\n")
    (folder / "mine.yaml").write_text(MINE)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(work: Path, home: Path) -> str:
    """A run that lies on disk, as an engine leaves it."""
    directory = RunDir(home, "6")
    directory.path.mkdir(parents=True)
    text = MINE.replace("./model", f"{work}/model").replace("rows.csv", f"{work}/rows.csv")
    directory.recipe.write_text(text)
    created = ev.Created(t=1.0, run="6", name="tickets", model=f"{work}/model", data=[f"{work}/rows.csv"])
    directory.events.write_bytes(ev.encode(created) + b"\n")
    return "6"


def test_a_file_is_copied_with_its_comments_and_changed_on_the_way(work: Path) -> None:
    assert (
        main(["new", "copy.yaml", "--from", "mine.yaml", "--set", "lora_r=16", "--learning-rate", "1e-4"])
        == 0
    )
    text = (work / "copy.yaml").read_text()
    assert text == MINE.replace("lora_r: 8 ", "lora_r: 16 ") + "learning_rate: 1e-4\n"


def test_a_copy_in_another_folder_means_the_same_files(work: Path) -> None:
    (work / "deep").mkdir()
    assert main(["new", "deep/copy.yaml", "--from", "mine.yaml"]) == 0
    assert read(work / "deep" / "copy.yaml").resolved() == read(work / "mine.yaml").resolved()


@pytest.mark.parametrize("word", ["6", "tickets", "last"])
def test_the_recipe_of_a_run_comes_by_number_name_or_last(
    work: Path, run: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "--from", word]) == 0
    printed = capsys.readouterr().out
    assert "# my own words" in printed
    assert "lora_r: 8   # enough" in printed
    assert main(["new", "again.yaml", "--from", word]) == 0
    again = read(work / "again.yaml")
    assert again.recipe.model == "./model"
    assert again.resolved() == read(work / "mine.yaml").resolved()


@pytest.mark.parametrize(
    ("word", "what"), [("7", "no run"), ("nothing", "no run"), ("gone.yaml", "cannot be read")]
)
def test_what_is_not_there_is_told_with_status_2(
    work: Path, run: str, word: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "copy.yaml", "--from", word]) == 2
    assert what in capsys.readouterr().err
    assert not (work / "copy.yaml").exists()


def test_rows_that_are_pairs_become_a_recipe_that_prefers(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "pairs.jsonl").write_text('{"prompt": "Q", "chosen": "A", "rejected": "B"}\n')
    assert main(["new", "pairs.yaml", "--model", "./model", "--data", "pairs.jsonl"]) == 0
    recipe = read(work / "pairs.yaml").recipe
    assert (recipe.objective, recipe.learning_rate) == ("dpo", 5e-6)
    assert "the rows are pairs" in capsys.readouterr().err
    assert main(["new", "sft.yaml", "--model", "./model", "--data", "pairs.jsonl", "--objective", "sft"]) == 0
    assert read(work / "sft.yaml").recipe.learning_rate == 2e-4
