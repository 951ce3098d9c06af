"""`openlora doctor`: each thing that decides what a machine can do is looked at and named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main", "doctor", "--json"]


def looked_at() -> dict[str, dict[str, str]]:
    done = subprocess.run(CLI, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_the_hubs_cache_and_whether_anything_may_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    found = looked_at()
    assert found["hub"]["state"] == "ok"
    assert f"0 models, 0.0 GiB in {tmp_path / 'hf'}" in found["hub"]["found"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    offline = looked_at()["hub"]
    assert (offline["state"], "offline" in offline["found"]) == ("note", True)
