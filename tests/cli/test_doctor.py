"""`openlora doctor`: each thing that decides what a machine can do is looked at and named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.doctor.check import Check, summary
from openlora_tui.cli.doctor import lines

CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main", "doctor"]


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the heavy packages: that real ones import is told by every other test."""
    for name in ("torch", "transformers", "peft", "accelerate", "safetensors", "bitsandbytes", "llama_cpp"):
        (tmp_path / "quick" / name).mkdir(parents=True)
        (tmp_path / "quick" / name / "__init__.py").write_text("raise ImportError('a stand-in')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'quick'}:{Path(__file__).resolve().parents[2]}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def looked_at(status: int | None = None) -> dict[str, dict[str, str]]:
    done = subprocess.run([*CLI, "--json"], capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    assert status in (None, done.returncode)
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_machine_that_trains() -> None:
    found = looked_at(status=0)
    for name in ("python", "torch", "peft", "memory", "home", "disk", "index", "engine", "locale", "4-bit"):
        assert name in found
    assert all(check["do"] for check in found.values() if check["state"] != "good")
    assert {check["state"] for check in found.values()} <= {"good", "note", "warning"}


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_imported_is_a_blocker_with_its_words() -> None:
    found = looked_at(status=1)
    assert (found["torch"]["state"], "a stand-in" in found["torch"]["found"]) == ("blocker", True)
    assert found["peft"]["state"] == "blocker"
    assert found["4-bit"]["state"] == found["llama.cpp"]["state"] == "warning"


@pytest.mark.usefixtures("quick")
def test_the_hubs_cache_and_whether_anything_may_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looked_at()
    assert found["hub"]["state"] == "good"
    assert f"0 models, 0 MiB in {tmp_path / 'hf'}" in found["models"]["found"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    offline = looked_at()["hub"]
    assert (offline["state"], "offline" in offline["found"]) == ("note", True)


@pytest.mark.usefixtures("quick")
def test_a_home_that_cannot_be_made_is_a_blocker_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "file" / "home"))
    found = looked_at(status=1)
    assert (found["home"]["state"], "OPENLORA_HOME" in found["home"]["do"]) == ("blocker", True)
    assert found["memory"]["found"]


@pytest.mark.usefixtures("quick")
def test_it_speaks_to_a_terminal_that_knows_no_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = subprocess.run(CLI, capture_output=True, timeout=120)
    assert "No run can work here" in done.stdout.decode("ascii")


CHECK = Check("disk", "warning", "1.0 GiB free: little for checkpoints", "Free some space on /a/" + "b" * 70)


def test_lines_fit_80_columns_and_a_path_is_never_broken() -> None:
    assert lines(CHECK, 80) == [
        "  ▲ disk         1.0 GiB free: little for checkpoints",
        "                 → Free some space on",
        "                   /a/" + "b" * 70,
    ]
    assert lines(CHECK, 80, plain=True)[0].startswith("  WARN disk")


def test_the_last_line_names_what_is_worth_a_look() -> None:
    fine, stop = Check("a", "good", ""), Check("torch", "blocker", "", "do")
    assert summary([fine]) == "Runs can work here: 1 good."
    assert summary([fine, CHECK]) == "Runs can work here; look at: disk."
    assert summary([stop, CHECK]) == "No run can work here before this is mended: torch."
