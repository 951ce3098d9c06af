"""A folder with a tiny model and rows of one's own, and a home whose engine is ended afterwards."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus, paths
from engine.run_dir import RunDir

TINY = Path(__file__).parent.parent / "engine/process/tiny_model.py"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a new user has at hand: a model and a table of questions and answers."""
    folder = tmp_path_factory.mktemp("mine")
    subprocess.run([sys.executable, str(TINY), str(folder / "model")], check=True, timeout=300)
    with (folder / "sums.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "answer"])
        rows.writerows([f"{i} + 1 ?", f"{i + 1}.\nThat is all."] for i in range(64))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, whose engine and workers are ended afterwards."""
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    root = paths.home()
    yield root
    pids = [bus.engine_pid(root)]
    pids += [record.pid for run in (root / "runs").iterdir() if (record := RunDir(root, run.name).worker())]
    for pid in pids:
        if pid is not None:
            _end(pid)


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
