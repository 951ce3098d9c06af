"""The program code that a model brings does not run, unless the recipe names that very code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine import events as ev
from engine.event_log import EventReader
from engine.hub.choice import small_files
from engine.problem import Problem
from engine.recipe import missing_paths
from engine.recipe.yaml import parse
from engine.run_dir import RunDir
from engine.trust import is_trusted
from tests.security.driving import last, recipe, run, strange_model, trust


@pytest.fixture
def strange(model: Path, tmp_path: Path) -> Path:
    """A model of a kind that transformers does not know, with the code for it."""
    return strange_model(model, tmp_path / "strange-model")


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the code writes the numbers of the processes that it runs in."""
    path = tmp_path / "the code has run"
    # Given to the job as one of the variables that it takes from its front end.
    monkeypatch.setenv("MARKER", str(path))
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    return path


def _failed(done: Any) -> dict[str, Any]:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    end = last(done)
    assert end["event"] == "failed"
    return end


def test_without_the_words_it_does_not_run_and_the_refusal_says_what_to_read_and_what_to_write(
    strange: Path, rows: Path, home: Path, marker: Path, tmp_path: Path
) -> None:
    """Neither in a run nor in a talk; nothing waits for an answer on stdin."""
    path = recipe(tmp_path / "strange.yaml", strange, rows)
    end = _failed(run("train", str(path), "--json", "--foreground"))
    assert "code of its own" in end["what"]
    assert "modeling_strange.py" in end["do"]
    assert f"trust_remote_code: {trust(strange)}" in end["do"]
    talk = run("chat", str(strange), "--prompt", "hello", "--json")
    assert talk.returncode in (1, 2)
    assert "modeling_strange.py" in last(talk)["error"]["do"]
    assert not marker.exists()


def test_with_the_words_it_runs_in_the_runs_worker_and_nowhere_else(
    strange: Path, rows: Path, home: Path, marker: Path, tmp_path: Path
) -> None:
    """Through the engine; then a talk with what came of it trusts the same code, in a worker again."""
    path = recipe(tmp_path / "strange.yaml", strange, rows, trust_remote_code=trust(strange))
    done = run("train", str(path), "--json")
    assert done.returncode == 0, done.stderr
    events = [ev.decode(line) for line in EventReader(RunDir(home, "1").events)]
    workers = {event.pid for event in events if isinstance(event, ev.Started)}
    ran_in = {int(line) for line in marker.read_text().split()}
    assert ran_in == workers
    assert os.getpid() not in ran_in
    talk = run("chat", "last", "--prompt", "hello", "--json", "--max-new-tokens", "2")
    assert talk.returncode == 0, talk.stderr
    assert len({int(line) for line in marker.read_text().split()} - ran_in) == 1


def test_changed_code_asks_again(strange: Path, rows: Path, home: Path, marker: Path, tmp_path: Path) -> None:
    """By the command at once, before a run is made; what the words named before is not enough."""
    path = recipe(tmp_path / "strange.yaml", strange, rows, trust_remote_code=trust(strange))
    before = trust(strange)
    (strange / "more.py").write_text("import this\n")
    assert trust(strange) != before
    done = run("train", str(path), "--json")
    assert done.returncode == 2
    error = last(done)["error"]
    assert "may have changed" in error["why"]
    assert trust(strange) in error["do"]
    assert not list(home.glob("runs/*"))
    assert not marker.exists()


def test_the_digest_knows_every_file_by_its_name_and_every_byte(strange: Path) -> None:
    """Code in folders below counts; other files and the folder's own name do not."""
    seen = {trust(strange).partition("@")[2]}
    (strange / "sub").mkdir()
    for name, text in (("sub/a.py", ""), ("sub/b.py", ""), ("sub/a.py", "x = 1"), ("c.py", "x = 1")):
        (strange / name).write_text(text)
        digest = trust(strange).partition("@")[2]
        assert digest not in seen
        seen.add(digest)
    (strange / "README.md").write_text("words")
    moved = strange.rename(strange.with_name("elsewhere"))
    assert trust(moved).partition("@")[2] == digest
    assert is_trusted(f"I trust the code of strange-model@{digest}", str(moved), moved)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "I trust the code of strange-model",
        "yes",
        "I trust the code of it@" + "0" * 20,
        "{words}x",
    ],
)
def test_other_words_are_not_enough(strange: Path, given: str) -> None:
    said = given.format(words=trust(strange))
    with pytest.raises(Problem, match="does not run unless you trust it"):
        is_trusted(said, str(strange), strange)


def test_code_of_another_repository_is_never_taken(strange: Path) -> None:
    """Its digest cannot be known, as transformers would fetch it while the model is loaded."""
    config = json.loads((strange / "config.json").read_text())
    config["auto_map"]["AutoConfig"] = "owner/other--modeling.Config"
    (strange / "config.json").write_text(json.dumps(config))
    with pytest.raises(Problem) as caught:
        is_trusted(trust(strange), str(strange), strange)
    assert "owner/other" in caught.value.do


def test_a_model_that_transformers_knows_never_runs_its_code_by_itself(
    strange: Path, rows: Path, home: Path, marker: Path, tmp_path: Path
) -> None:
    """Many models bring code for older versions; it is passed over, and the run goes well."""
    config = json.loads((strange / "config.json").read_text())
    config["model_type"] = "llama"
    (strange / "config.json").write_text(json.dumps(config))
    path = recipe(tmp_path / "known.yaml", strange, rows)
    assert run("train", str(path), "--foreground", "--json").returncode == 0
    assert not marker.exists()


def test_the_code_of_a_hubs_model_comes_only_where_it_is_asked_for() -> None:
    names = ["config.json", "modeling_strange.py", "setup.sh", "model.safetensors"]
    assert small_files(names) == ["config.json"]
    assert small_files(names, code=True) == ["config.json", "modeling_strange.py"]


@pytest.mark.parametrize(("written", "fine"), [("false", True), ("null", True), ("true", False)])
def test_the_habits_of_other_programs_are_answered(tmp_path: Path, written: str, fine: bool) -> None:
    """`trust_remote_code: true` is no word of trust in any code in particular."""
    text = f"model: a/b\ndata: rows.jsonl\ntrust_remote_code: {written}\n"
    if fine:
        assert parse(text).recipe.trust_remote_code is None
        return
    with pytest.raises(Problem, match="the words that name the code"):
        parse(text)


def test_the_form_shows_words_that_speak_of_other_code_at_their_field(
    strange: Path, rows: Path, tmp_path: Path
) -> None:
    """What the command refuses, the Recipe screen marks before anything is started."""
    path = recipe(tmp_path / "strange.yaml", strange, rows, trust_remote_code="I trust everyone")
    found = dict(missing_paths(parse(path.read_text(), path)))
    assert list(found) == ["trust_remote_code"]
    assert trust(strange) in found["trust_remote_code"].do
