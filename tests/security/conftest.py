"""A tiny model, and a folder that every user of the machine may enter, so that only our own modes protect."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus
from engine.run_dir import RunDir
from tests.security.driving import TINY
from tests.security.living import LivedIn


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of a few thousand parameters with a byte-level tokenizer."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    subprocess.run([sys.executable, str(TINY), str(folder)], check=True, timeout=300)
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Questions and answers to learn."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"prompt": "{i} + 1 ?", "completion": "{i + 1}."}}\n' for i in range(40)))
    return path


@pytest.fixture
def common() -> Iterator[Path]:
    """A folder that every user may enter and read."""
    folder = Path(tempfile.mkdtemp(prefix="openlora-common-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(common: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that is not there yet, in a folder of all; its engine and workers are ended afterwards."""
    root = common / "home"
    monkeypatch.setenv("OPENLORA_HOME", str(root))
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(common / name.lower()))
    yield root
    end_all(root)


@pytest.fixture(scope="session")
def lived_in(model: Path) -> Iterator[LivedIn]:
    """A home in which everything has been done once, with secrets all around and umask 000."""
    common = Path(tempfile.mkdtemp(prefix="openlora-lived-", dir="/tmp"))
    common.chmod(0o755)
    lived = LivedIn(common, model)
    try:
        lived.live()
        yield lived
    finally:
        lived.hub.close()
        end_all(lived.home)
        shutil.rmtree(common, ignore_errors=True)


def end_all(root: Path) -> None:
    """Kill the engine of a home and the workers of its runs."""
    pids = [bus.engine_pid(root)]
    runs = root / "runs"
    for run in runs.iterdir() if runs.is_dir() else ():
        record = RunDir(root, run.name).worker()
        pids.append(record.pid if record is not None and record.alive else None)
    for pid in pids:
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
