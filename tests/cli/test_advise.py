"""`openlora advise` says why a run failed, of ours and of any other trainer."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import events as ev
from engine.event_log import append
from engine.findings import Finding, Patch
from engine.paths import runs_folder
from engine.run_dir import RunDir
from openlora_tui.cli.main import main

KEYS = {"category", "severity", "confidence", "title", "evidence", "cause", "remedy", "patch"}
FAILED = """{'loss': 2.1, 'grad_norm': 1.0, 'learning_rate': 0.0002}
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    trainer.train()
ValueError: Target modules {'q_proj'} not found in the base model. Please check the target modules.
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def document(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main(["advise", *map(str, words), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert isinstance(said, dict)
    for finding in said["findings"]:
        assert finding.keys() >= KEYS
    return said


def test_a_log_of_another_trainer_is_explained_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, config = tmp_path / "train.log", tmp_path / "axolotl.yaml"
    log.write_text(FAILED)
    config.write_text("base_model: baichuan\nlora:\n  r: 8\n")
    said = document(capsys, "--log", log, "--config", config)
    found = said["findings"][0]
    assert (found["category"], found["severity"]) == ("target_modules_not_found", "blocker")
    assert found["evidence"][0].startswith("line 5: ValueError: Target modules")
    assert said["read"] == {"lines": 5, "points": 1, "settings": 2}
    assert main(["advise", "--log", str(log)]) == 0
    text = capsys.readouterr().out
    assert "1 BLOCKER" in text
    assert "No configuration was given." in text


def test_a_log_may_come_through_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(FAILED.encode())))
    monkeypatch.setattr("sys.stdin", piped)
    assert document(capsys, "--log", "-")["findings"][0]["category"] == "target_modules_not_found"


def test_a_healthy_curve_is_not_warned_of_and_what_is_missing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curve = tmp_path / "curve.csv"
    rows = "\n".join(f"{step},{1 + 1.5 * 0.98**step:.4f}" for step in range(1, 200))
    curve.write_text(f"step,loss\n{rows}\n")
    found = document(capsys, "--curve", curve)["findings"]
    assert {finding["severity"] for finding in found} == {"note"}
    assert "missing.nothing_found" in {finding["check"] for finding in found}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--log", "gone.log"], "cannot be read"),
        (["--curve", "gone.csv"], "cannot be read"),
        (["--config", "gone.yaml"], "gone.yaml"),
        (["--log", "."], "folder"),
        (["3", "--log", "x"], "at once"),
        ([], "no run yet"),
        (["nobody"], "no run called"),
    ],
)
def test_what_cannot_be_read_is_one_message_and_status_2(
    words: list[str],
    what: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["advise", *words]) == 2
    told = capsys.readouterr()
    assert what in told.err
    assert told.out == ""


def test_a_run_of_ours_is_explained_by_its_findings_and_its_console(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_folder(home).mkdir(parents=True)
    directory = RunDir(home, "1")
    directory.path.mkdir()
    diverged = Finding(
        category="loss_spike_divergence",
        severity="warning",
        title="The loss left its course.",
        patch=Patch(label="learning_rate 2e-4 -> 1e-4", recipe={"learning_rate": 1e-4}),
        step=3,
    )
    steps = [
        ev.Step(
            step=n, loss=3 - n / 4, lr=1e-4, grad_norm=1.0, tokens=9, label_tokens=9, seconds=1.0, epoch=0.1
        )
        for n in range(1, 6)
    ]
    end = ev.Failed(run="1", steps=5, what="The run failed while training.", findings=[diverged])
    append(
        directory.events,
        [ev.Created(run="1", name="first", model="m", data=["rows.jsonl"], steps=9), *steps, end],
    )
    directory.console.write_text("RuntimeError: Attempting to unscale FP16 gradients.\n")
    said = document(capsys)
    assert (said["run"], said["status"]) == ("1", "failed")
    found = {finding["category"]: finding for finding in said["findings"]}
    assert found["loss_spike_divergence"]["patch"]["recipe"] == {"learning_rate": 1e-4}
    assert found["dtype_mismatch"]["check"] == "log.unscale"
    assert main(["advise", "first"]) == 0
    assert "run 1 (first), failed: The run failed while training." in capsys.readouterr().out
