"""The memory by the words of the command line: found, compared, explained, carried on, forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import paths
from engine.findings import Finding
from engine.lessons.dismissals import About, dismissal, put, standing_in
from engine.lessons.prints import Prints
from openlora_tui.cli.main import main
from openlora_tui.cli.session import Session
from tests.engine.process.conftest import end_all
from tests.engine.process.past import PRINTS, SPIKE, made

BAD = (2.0, 1.6, 1.8, 2.2, 2.9, 4.0)


@pytest.fixture
def said(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def say(*words: str) -> Any:
        assert main(["runs", *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return say


@pytest.fixture
def refused(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def say(*words: str) -> str:
        assert main(["runs", *words]) == 2
        return capsys.readouterr().err

    return say


def test_runs_are_found_compared_and_explained(
    home: Path, said: Any, refused: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = made(home, "calm"), made(home, "wild", rate=2e-4, losses=BAD, failed=True)
    other = made(home, "other-rows", prints=msgspec.structs.replace(PRINTS, held="z"))
    close = made(home, "close", extra="seed: 5\n", losses=(2.0, 1.6, 1.3, 1.2, 1.15, 1.11))

    found = said("search", "rate>1e-4", "status:failed")["runs"]
    assert [(run["run"], run["found"]) for run in found] == [(bad, ["loss_spike_divergence"])]
    assert said("search", "not:wild", "model:tiny")["total"] == 3

    told = said("compare", good, bad, close)
    assert told["recipe"] == {"learning_rate": ["1e-4", "2e-4", "1e-4"], "seed": ["42", "42", "5"]}
    assert told["ranking"] == [[good, close], [bad]], "noise does not tell the first two apart"
    assert len(told["points"][-1]["loss"]) == 3
    apart = said("compare", good, other)
    assert (apart["comparable"], apart["ranking"]) == (False, [])
    assert f"the held-out rows are not the same (run {good} against run {other})" in apart["verdict"]
    assert main(["runs", "compare", good, bad, "--markdown"]) == 0
    assert "| learning\\_rate | 1e-4 | 2e-4 |" in capsys.readouterr().out

    why = said("why", bad, good)
    assert (why["better"], why["sure"]) == (good, True)
    assert why["reasons"][0] == f"In run {bad} at step 8: The loss left at step 8."
    assert said("why", good, close)["sure"] is False
    assert said("why", good, other)["better"] is None
    assert "One run cannot be compared" in refused("compare", good, good)
    assert "no run called 'nobody'" in refused("why", good, "nobody")
    assert "no 'colour' to search by" in refused("search", "colour<3")


def test_a_setting_that_failed_is_said_before_it_is_tried_again(
    home: Path, recipe_file: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = Prints(held="h", mask="m")
    for name in ("one", "two"):
        made(home, name, rate=2e-2, losses=BAD, failed=True, prints=bare, model=str(tiny_model))
    made(home, "three", rate=1e-3, prints=bare, model=str(tiny_model))
    said = "learning_rate 0.02 diverged twice on this model (runs 1, 2); 0.001 worked (run 3)"
    words = ["check", str(recipe_file), "--set", "learning_rate=2e-2"]

    def found() -> list[dict[str, Any]]:
        assert main([*words, "--json"]) == 0
        return [
            one for one in json.loads(capsys.readouterr().out)["findings"] if one["category"] == "history"
        ]

    (told,) = found()
    assert (told["title"], told["severity"]) == (said, "warning")
    assert told["patch"]["recipe"] == {"learning_rate": 0.001}
    put_aside = Finding(
        category="history", severity="warning", title=said, check="history.loss_spike_divergence"
    )
    about = About(model=str(tiny_model))
    put(home, dismissal(put_aside, "model", "it was the data"), about)
    assert found() == []
    assert main(words) == 0
    assert f"put aside by you: {said}" in capsys.readouterr().out
    put(home, dismissal(put_aside, "model", undone=True), about)
    words[-1] = "learning_rate=1e-3"
    assert found() == []


def test_labels_show_in_lists_and_searches_and_survive(home: Path, said: Any, refused: Any) -> None:
    run = made(home, "calm")
    said("tag", run, "good", "baseline", "good")
    said("tag", "calm", "--remove", "GOOD")
    said("note", run, "the", "one", "to", "keep")
    said("rename", run, "tickets")
    (row,) = said("list")["runs"]
    assert (row["name"], row["tags"], row["note"]) == ("tickets", ["baseline"], "the one to keep")
    assert said("search", "tag:baseline", "keep")["runs"][0]["name"] == "tickets"
    assert "cannot be called 'last'" in refused("rename", run, "last")
    assert "is no tag" in refused("tag", run, " ")
    said("delete", run, "--yes")
    (left,) = said("search", "tag:baseline")["runs"]
    assert (left["deleted"], left["note"]) == (True, "the one to keep")


def test_a_finding_is_put_aside_as_far_as_its_scope_reaches_and_taken_back(
    home: Path, said: Any, refused: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (made(home, name, losses=BAD, failed=True) for name in ("one", "two"))

    def spikes(run: str) -> int:
        assert main(["advise", run, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["findings"]
        return sum(finding["title"] == SPIKE.title for finding in found)

    assert (spikes(one), spikes(two)) == (1, 1)
    said("dismiss", one, "loss_spike_divergence", "--reason", "it was meant")
    assert (spikes(one), spikes(two)) == (0, 1)
    said("dismiss", one, "loss left", "--undo")
    assert spikes(one) == 1
    said("dismiss", one, "loss_spike_divergence", "--scope", "dataset")
    assert (spikes(one), spikes(two)) == (0, 0), "both learnt from the same data"
    assert said("rules")["dismissals"][0]["scope"] == "dataset"
    said("dismiss", two, "loss_spike_divergence", "--scope", "dataset", "--undo")
    assert spikes(two) == 1
    assert "names no finding of run" in refused("dismiss", one, "gremlins")


def test_the_memory_travels_in_one_file_and_is_forgotten_on_request(
    home: Path, said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = made(home, "calm"), made(home, "wild", rate=2e-4, losses=BAD, failed=True)
    said("delete", gone, "--yes")
    put(
        home, dismissal(Finding(category="quality", severity="note", title="x", check="c"), "always"), About()
    )
    file = tmp_path / "memory.json"
    assert said("memory", "export", str(file), "--as", "laptop")["lessons"] == 2
    assert said("memory", "import", str(file), "--as", "laptop") == {
        "origin": "laptop",
        "lessons": 0,
        "known": 2,
    }

    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("OPENLORA_HOME", str(elsewhere))
    assert paths.home() == elsewhere
    try:
        assert said("memory", "import", str(file))["lessons"] == 2
        assert said("memory", "import", str(file))["lessons"] == 0
        found = said("search", "from:laptop")["runs"]
        assert {run["run"] for run in found} == {f"laptop:{kept}", f"laptop:{gone}"}
        why = said("why", f"laptop:{kept}", f"laptop:{gone}")
        assert why["better"] == f"laptop:{kept}"
        assert standing_in(elsewhere)[0].found == "c"
        said("forget", f"laptop:{kept}")
        assert said("search", "from:laptop")["total"] == 1
        said("forget", "from:laptop")
        assert said("search")["total"] == 0
    finally:
        end_all(elsewhere)
    monkeypatch.setenv("OPENLORA_HOME", str(home))
    said("forget", kept, gone)
    with Session(home) as session:
        assert session.lessons() == []
    said("forget", kept, "--undo")
    with Session(home) as session:
        assert [lesson.run for lesson in session.lessons()] == [kept]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no memory"),
        ('{"kind": "diary"}', "no memory"),
        ('{"version": 99}', "too new"),
        ('{"lessons": [{"run": "1"}]}', "damaged"),
    ],
)
def test_a_file_that_is_no_memory_is_refused_whole(
    refused: Any, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "memory.json"
    file.write_text(text)
    assert words in refused("memory", "import", str(file))
    assert "cannot be read" in refused("memory", "import", str(tmp_path))
