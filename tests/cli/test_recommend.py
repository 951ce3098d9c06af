"""`openlora recommend`: a recipe with its reasons, from data, a model and past runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.lessons.kept import take_in
from engine.preflight.check import Preflight
from engine.recipe import read
from openlora_tui.cli.main import main
from tests.engine.preflight.conftest import write_rows
from tests.engine.preflight.making import model
from tests.engine.recommend.knowing import lesson


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model and 400 rows."""
    model(tmp_path / "model")
    write_rows(tmp_path / "rows.jsonl")
    return tmp_path


def recommended(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> dict[str, Any]:
    data, base = str(folder / "rows.jsonl"), str(folder / "model")
    assert main(["recommend", data, "--model", base, *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_each_value_comes_with_its_reason_and_the_recipe_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "recipe.yaml"
    found = recommended(capsys, folder, "--first-guess", "-o", str(path), "--set", "lora_r=8")
    by_name = {value["field"]: value for value in found["values"]}
    assert by_name["lora_r"]["source"] == "your choice"
    assert by_name["learning_rate"]["value"] > by_name["learning_rate"]["default"]
    assert all(value["reason"] for value in found["values"])
    assert found["recipe"]["max_length"] % 64 == 0
    assert found["runs"] == 0

    text, recipe = path.read_text(), read(path).recipe
    assert f"# why: {by_name['learning_rate']['reason']}" in text
    assert {name: getattr(recipe, name) for name in found["recipe"]} == found["recipe"]
    assert (recipe.model, recipe.data) == ("./model", "./rows.jsonl")
    check = Preflight(read(path))
    for _ in check.steps():
        pass
    assert not check.verdict().blockers


def test_a_recipe_is_not_replaced_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "recipe.yaml"
    path.write_text("mine")
    words = ["recommend", str(folder / "rows.jsonl"), "--model", str(folder / "model"), "-o", str(path)]
    assert main([*words, "--first-guess"]) == 2
    assert path.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert main([*words, "--first-guess", "--force"]) == 0
    assert "learning_rate" in path.read_text()


def test_a_smaller_card_changes_what_is_held_and_not_what_is_learnt(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / "rows.jsonl"), "--model", "Qwen/Qwen2.5-7B", "--first-guess", "--json"]
    found = []
    for memory in ("80GiB", "12GiB"):
        assert main(["recommend", *words, "--gpu-memory", memory]) == 0
        found.append(json.loads(capsys.readouterr().out)["recipe"])
    large, small = found
    assert (large["load_in_4bit"], small["load_in_4bit"]) == (False, True)
    rows = [r["per_device_train_batch_size"] * r["gradient_accumulation_steps"] for r in found]
    assert rows[0] == rows[1]
    assert large["learning_rate"] == small["learning_rate"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no data"),
        (["rows.jsonl"], "needs a model"),
        (["nowhere.jsonl", "--model", "model"], "nowhere.jsonl"),
        (["rows.jsonl", "--model", "./nowhere"], "nowhere"),
        (["rows.jsonl", "--model", "model", "--gpu-memory", "much"], "no amount of memory"),
        (["rows.jsonl", "--model", "model", "--set", "lora_r=many"], "lora_r"),
    ],
)
def test_wrong_words_are_told_in_one_message(
    words: list[str],
    said: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert main(["recommend", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_past_runs_are_asked_of_the_engine_and_what_failed_is_said(
    folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = recommended(capsys, folder, "--first-guess")["recipe"]["learning_rate"]
    base = str(folder / "model")
    known = [
        lesson("12", None, broke="loss_spike_divergence", model=base, learning_rate=first),
        lesson("19", None, broke="loss_spike_divergence", model=base, learning_rate=first),
        lesson("20", 1.0, model=base, learning_rate=first / 2),
    ]
    unknown = {"family": "", "layers": 0, "hidden": 0, "vocabulary": 0}
    take_in(home, [replace(one, model=replace(one.model, **unknown), imported="elsewhere") for one in known])
    found = recommended(capsys, folder)
    [finding] = [finding for finding in found["findings"] if finding["category"] == "history"]
    assert "diverged twice on this model (runs 12, 19)" in finding["title"]
    assert found["recipe"]["learning_rate"] == pytest.approx(first / 2, rel=0.05)
