"""The first hour of a new user, in a real terminal and by keys only, on a real engine and a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.run_dir import RunDir
from tests.terminal import Terminal

APP = [sys.executable, "-P", "-m", "openlora_tui.start", "--ascii"]
CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main"]
PATIENCE = 180.0


def test_from_a_table_of_ones_own_to_a_talk_with_the_tuned_model(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """n, pick the data, pick the model, start, watch, talk, leave: at 80x24."""
    monkeypatch.chdir(folder)
    with Terminal(APP, 80, 24) as app:
        app.until("Welcome to OpenLoRA")
        app.press("n")
        app.until("sums.csv")
        app.press("\r")
        app.until("llama")
        app.press("\r")
        app.until("ready")
        app.until("64 rows")
        app.press("s")
        app.until("succeeded", PATIENCE)
        adapter = RunDir(home, "1").adapter / "adapter_model.safetensors"
        assert adapter.is_file()
        app.press("c")
        app.until("base adapter", PATIENCE)
        app.press("7 + 1 ?\r")
        app.until(" tok/s", PATIENCE)
        app.press("\x1b")
        app.pump(0.5)
        app.press("\x1b")
        app.until("succeeded")
        app.press("q")
        app.until("status")
        app.press("q")
        _leave(app)


def test_the_data_first_then_its_recipe(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2, choose the file and the model, look at a row, and go on with `]` to a recipe that is ready."""
    monkeypatch.chdir(folder)
    with Terminal(APP, 80, 24) as app:
        app.until("Welcome to OpenLoRA")
        app.press("2")
        app.until("No data yet")
        app.press("o")
        app.until("sums.csv")
        app.press("\r")
        app.until("64 rows", PATIENCE)
        app.press("m")
        app.until("llama")
        app.press("\r")
        app.until("p95", PATIENCE)
        app.press("]")
        app.until("ready")
        assert "sums.csv" in app.text
        assert "model" in app.text


def test_the_same_without_a_screen(folder: Path, home: Path) -> None:
    """Every step has a headless twin."""
    recipe = folder / "twin.yaml"
    rows = _json("inspect", str(folder / "sums.csv"), "--model", str(folder / "model"), "--json")
    assert (rows["rows"], rows["sampled"]) == (64, False)
    _run("new", str(recipe), "--model", "./model", "--data", "sums.csv")
    finished = _json("train", str(recipe), "--json", "--set", "max_steps=3", "--set", "max_length=64")
    assert finished["event"] == "finished"
    assert _json("runs", "show", "last", "--json")["adapter"] == finished["adapter"]
    answer = _json("chat", "last", "--prompt", "7 + 1 ?", "--json", "--max-new-tokens", "8")
    assert isinstance(answer["text"], str)


def _leave(app: Terminal) -> None:
    for _ in range(400):
        if os.waitpid(app.pid, os.WNOHANG)[0]:
            return
        app.pump(0.05)
    raise AssertionError(f"the app did not leave; the screen:\n{app.text}")


def _run(*words: str) -> str:
    done = subprocess.run(
        [*CLI, *words], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _json(*words: str) -> dict[str, object]:
    """The last JSON document that a command prints."""
    found = json.loads(_run(*words).strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found
