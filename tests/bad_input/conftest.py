"""A home whose engine and workers are ended after the test."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus, paths
from engine.run_dir import RunDir, all_runs


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    root = paths.home()
    yield root
    workers = [RunDir(root, run).worker() for run in all_runs(root)]
    for pid in [bus.engine_pid(root), *(worker.pid for worker in workers if worker and worker.alive)]:
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
