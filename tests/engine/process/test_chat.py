"""`openlora chat` with a real engine and worker: for a program, by stdin, and in lines at a terminal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal

CHAT = [sys.executable, "-m", "openlora_tui.cli.main", "chat"]


@pytest.fixture(scope="session")
def tuned(recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one short run that has left an adapter."""
    root = tmp_path_factory.mktemp("tuned")
    words = ["train", str(recipe_file), "--foreground", "--max-steps", "3"]
    command = [sys.executable, "-m", "openlora_tui.cli.main", *words]
    environment = os.environ | {"OPENLORA_HOME": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def run(home: Path, tuned: Path) -> str:
    """The id of that run, in this test's own home."""
    shutil.copytree(tuned / "runs" / "1", home / "runs" / "1")
    return "1"


def chat(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CHAT, *words], input=stdin, capture_output=True, text=True, timeout=120)


def test_stdin_is_answered_as_json_by_both_sides(run: str) -> None:
    done = chat(run, "--both", "--json", "--max-new-tokens", "8", stdin="Row 7 says\n")
    assert done.returncode == 0, done.stderr
    [said] = [json.loads(line) for line in done.stdout.splitlines()]
    assert said["text"] == said["adapter"] != ""
    assert "base" in said
    assert (said["prompt"], said["form"]) == ("Row 7 says", "verbatim")
    assert said["tokens"] <= 8
    assert "/adapter" not in done.stderr


def test_a_conversation_at_a_terminal(run: str, home: Path, tmp_path: Path) -> None:
    with Terminal([*CHAT, run, "--both", "--max-new-tokens", "100"], 100, 40) as terminal:
        terminal.until("/help lists the commands")
        assert "prompts go in as typed" in terminal.text
        terminal.press("Row 3 says\r")
        terminal.until("[base]")
        terminal.until("[adapter]")
        terminal.until("tok/s, cut at")
        terminal.press("/base\r/max_new_tokens 0\r")
        terminal.until("max_new_tokens cannot be 0")
        terminal.press("/max_new_tokens 1\r/again\r")
        terminal.until("(1 token,")
        terminal.press(f"/save {tmp_path / 'said.jsonl'}\r")
        terminal.until("1 rows in")
        terminal.press("\x03")
        terminal.until("ctrl+d leaves the chat")
        terminal.press("\x04")
        assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0
    [row] = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert row["prompt"] == "Row 3 says"
    assert (home / "chat_history").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody", "--prompt", "x"], "no run, model or adapter called 'nobody'"),
        (["99", "--prompt", "x"], "no run '99'"),
        (["./nowhere", "--prompt", "x"], "no such folder"),
        (["1", "--prompt", "x", "--temperature", "-1"], "temperature cannot be -1"),
        (["1"], "nothing to ask"),
    ],
)
def test_wrong_words_end_with_2(words: list[str], said: str, run: str) -> None:
    done = chat(*words, "--json")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert set(json.loads(done.stdout)["error"]) == {"what", "where", "why", "do"}


def test_what_cannot_be_loaded_ends_with_a_reason(home: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    done = chat(str(tmp_path), "--prompt", "x")
    assert done.returncode == 2
    assert "no weights" in done.stderr
