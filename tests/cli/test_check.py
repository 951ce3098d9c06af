"""`openlora check` says what would stop or spoil a run, and `openlora train` stops on what would stop it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openlora_tui.cli.main import main
from tests.engine.preflight.conftest import write_rows
from tests.engine.preflight.making import model

KEYS = {"category", "severity", "confidence", "title", "evidence", "cause", "remedy", "patch"}
HERE = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    model(tmp_path / "model")
    write_rows(tmp_path / "rows.jsonl")
    path = tmp_path / "recipe.yaml"
    path.write_text("model: ./model\ndata: ./rows.jsonl\nmax_length: 256\n")
    return path


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, all rows are looked at."""
    monkeypatch.setattr("openlora_tui.cli.check._SECONDS", 600.0)


def document(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> dict[str, Any]:
    assert main([*map(str, words), "--json"]) == status
    out = capsys.readouterr().out.splitlines()
    said = json.loads(out[-1])
    assert isinstance(said, dict)
    return said


def test_a_clean_recipe_is_told_so(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(recipe)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing stands in the way"
    assert document(capsys, "check", recipe)["findings"] == []


def test_a_blocker_ends_with_1_and_says_everything(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--set", "target_modules=[q_proj, k_porj]", "--num-train-epochs", "50"]
    said = document(capsys, "check", recipe, *words, status=1)
    assert [finding["severity"] for finding in said["findings"]] == ["blocker", "warning"]
    for finding in said["findings"]:
        assert finding.keys() >= KEYS
    assert said["findings"][0]["patch"]["recipe"] == {"target_modules": ["q_proj", "k_proj"]}
    assert main(["check", str(recipe), "--target-modules", "[q_proj, k_porj]"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("1 BLOCKER")
    assert """--set 'target_modules=["q_proj", "k_proj"]'""" in text
    assert text.splitlines()[-1] == "this run would be stopped: 1 blocker"


def test_what_it_proposes_can_be_pasted(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(recipe), "--target-modules", "[q_proj, k_porj]"]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("> ")]
    words = shlex.split(line.strip()[2:])
    assert main(["check", str(recipe), *words]) == 0


@pytest.mark.parametrize(
    ("line", "status"), [("lora_r: much", 2), ("data: ./none.jsonl", 2), ("nonsense: 1", 2)]
)
def test_a_bad_recipe_ends_with_2(
    recipe: Path, capsys: pytest.CaptureFixture[str], line: str, status: int
) -> None:
    name = line.partition(":")[0]
    kept = [other for other in recipe.read_text().splitlines() if not other.startswith(f"{name}:")]
    recipe.write_text("\n".join([*kept, line]) + "\n")
    assert document(capsys, "check", recipe, status=2)["error"]["what"]


def test_train_stops_on_a_blocker_with_the_same_words_and_leaves_no_run(
    recipe: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [recipe, "--set", "target_modules=[q_proj, k_porj]"]
    title = document(capsys, "check", *words, status=1)["findings"][0]["title"]
    for how in ([], ["--foreground"], ["--detach"]):
        end = document(capsys, "train", *words, *how, status=1)
        assert (end["event"], end["what"], end["findings"][0]["title"]) == ("failed", title, title)
    assert main(["train", *map(str, words)]) == 1
    assert capsys.readouterr().err.startswith(f"failed: {title}\n")
    assert list((home / "runs").iterdir()) == []


def test_a_recipe_from_stdin_is_checked(recipe: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openlora_tui.cli.main", "check", "-", "--json"],
        input=recipe.read_text(), capture_output=True, text=True, timeout=60, cwd=recipe.parent,
        env=HERE | {"OPENLORA_HOME": os.environ["OPENLORA_HOME"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["findings"] == []


def test_nothing_heavy_is_imported_for_it(recipe: Path) -> None:
    code = (
        "import sys; from openlora_tui.cli.main import main; "
        f"status = main(['check', {str(recipe)!r}, '--json']); "
        "print({'torch', 'transformers', 'peft', 'textual'} & sys.modules.keys(), status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=HERE)
    assert done.stdout.splitlines()[-1] == "set() 0", done.stderr


def _train(recipe: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openlora_tui.cli.main", "train", str(recipe), "--hold", *words]
    home = {"OPENLORA_HOME": str(recipe.parent / "home")}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=HERE | home, check=False)


def test_what_the_check_proposes_is_made_where_that_is_asked_for_and_told(recipe: Path) -> None:
    plain = recipe.read_text()
    recipe.write_text(f"{plain}target_modules: [q_proj, k_porj]\n")
    refused = _train(recipe)
    assert refused.returncode == 1
    assert "--repair does it: target_modules" in refused.stderr
    mended = _train(recipe, "--repair")
    assert mended.returncode == 0, mended.stderr
    assert "mended: target_modules" in mended.stderr
    run = mended.stdout.strip()
    begun = (recipe.parent / "home" / "runs" / run / "recipe.yaml").read_text()
    assert "k_porj" not in begun
    assert "k_porj" in recipe.read_text(), "the recipe of the person stays as it is"
    recipe.write_text(f"{plain}target_modules: [q_proj, k_porj]\non_failure: repair\n")
    assert "mended: target_modules" in _train(recipe).stderr
