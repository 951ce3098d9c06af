"""`openlora advisor`: a model is fetched or named, tried, and asked; without one the rules answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.hub.gguf_plan import grouped
from engine.local_model.chosen import Chosen, choose, chosen
from engine.local_model.offers import OFFERS, most, offer
from openlora_tui.cli.main import main
from tests.engine.conftest import hub as hub  # a fixture
from tests.engine.hub.server import Hub
from tests.engine.local_model.conftest import run as run  # a fixture
from tests.engine.local_model.conftest import stories as stories  # a fixture

NAME, GIB = "somebody/tiny-GGUF", 1 << 30


def command(*words: str, status: int = 0) -> Any:
    """The last object that `openlora advisor … --json` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "openlora_tui.cli.main", "advisor", *words, "--json"],
        capture_output=True, text=True, timeout=180, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    return last["error"] if status else last


def test_without_a_model_the_status_says_how_to_get_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["advisor"]) == 0
    said = capsys.readouterr().out
    assert "the rules answer alone" in said
    assert "openlora advisor pull" in said
    assert main(["advisor", "use"]) == 2
    assert main(["advisor", "use", "/nowhere.gguf"]) == 2
    assert not (home / "advisor.json").exists()


def test_a_model_is_tried_chosen_asked_and_switched_off(home: Path, stories: Path, run: object) -> None:
    tried = command("use", str(stories))
    assert tried["model"] == "stories260K"
    assert tried["tokens_per_second"] > 0
    assert command("status")["ready"] is True
    answer = command("ask", "why did the loss jump at 41?", "--run", "1")
    assert answer["by"] == "rules"
    assert "stories260K" in answer["note"]  # it was asked, and told a story
    assert "leapt to 9 at step 41" in answer["text"]
    assert main(["advisor", "off"]) == 0
    assert command("ask", "is it going well?", "--run", "1", "--rules")["note"] == ""
    assert chosen(home) == Chosen(model=str(stories), off=True)


def test_a_file_that_crashes_llama_cpp_or_is_none_leaves_the_choice_as_it_was(
    home: Path, stories: Path, tmp_path: Path
) -> None:
    choose(home, Chosen(model=str(stories)))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(stories.read_bytes()[:300_000])
    assert "cannot use" in command("use", str(broken), status=1)["what"]
    assert chosen(home).model == str(stories)


def test_a_pull_takes_four_bits_checks_them_and_uses_them(hub: Hub, home: Path, stories: Path) -> None:
    model = stories.read_bytes()
    hub.add(NAME, {"tiny-q8_0.gguf": model + b"8", "tiny-q4_k_m.gguf": model, "mmproj-f16.gguf": b"x",
                   "README.md": b"# tiny"})  # fmt: skip
    last = command("pull", NAME)
    assert hub.fetched() == ["tiny-q4_k_m.gguf"]
    assert Path(last["path"]).read_bytes() == model
    assert last["source"].startswith(f"{NAME}@")
    assert command("status")["ready"] is True
    assert command("pull", NAME, "--file", "tiny-q8_0.gguf", "--dry-run")["bytes"] == len(model) + 1


def test_what_cannot_be_pulled_is_told(hub: Hub, home: Path) -> None:
    hub.add(NAME, {"model.safetensors": b"x"})
    assert "no GGUF" in command("pull", NAME, status=1)["what"]
    hub.add("a/b", {"m-q4_0.gguf": b"x"})
    assert "has no file" in command("pull", "a/b", "--file", "n.gguf", status=2)["what"]
    assert "no hub id" in command("pull", "what is this", status=2)["what"]


def test_parts_of_a_model_are_taken_together_and_what_is_beside_it_is_left() -> None:
    names = ["m-q4-00001-of-00002.gguf", "m-q4-00002-of-00002.gguf", "mmproj-m.gguf", "m-q8.gguf", "x.bin"]
    assert grouped(names) == {"m-q4-00001-of-00002.gguf": names[:2], "m-q8.gguf": ["m-q8.gguf"]}


@pytest.mark.parametrize(
    ("memory", "cores", "size"),
    [(4, 2, "0.5B"), (8, 2, "1.5B"), (16, 4, "4B"), (64, 16, "7B"), (64, 2, "1.5B")],
)
def test_the_size_follows_the_machine(memory: int, cores: int, size: str) -> None:
    assert size in offer(memory * GIB, cores).repository
    assert most(memory * GIB) >= GIB
    assert most(64 * GIB) == 16 * GIB
    assert OFFERS[-1].memory == 0
